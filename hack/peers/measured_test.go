package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/hack/bench/table"
)

var update = flag.Bool("update", false, "write the golden file anew")

const (
	saturated = "committed a second, saturated"
	latency   = "median latency at 2,000 a second"
	pause     = "longest pause when one of four is killed"
)

func round(rows ...table.Row) *table.Table {
	return &table.Table{
		Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Cores: 2, Processor: "A Processor", System: "linux/amd64", Go: "go1.26",
		Rows: rows,
	}
}

func speed(v float64, counts bool) table.Row {
	return table.Row{Name: "throughput", What: saturated, Unit: "/s", Limit: 15000, Value: v, Counts: counts}
}

func delay(v float64, counts bool) table.Row {
	return table.Row{Name: "latency", What: latency, Unit: "ms", Limit: 20, AtMost: true, Value: v, Counts: counts}
}

func stop(v float64, counts bool) table.Row {
	return table.Row{Name: "pause", What: pause, Unit: "ms", Limit: 300, AtMost: true, Value: v, Counts: counts}
}

// threeRounds has a disturbed run that would change a median, and a row that was
// never quiet.
func threeRounds() *measured {
	var m measured
	posnet, tuned, shipped := contenders[0], contenders[1], contenders[2]
	m.add(posnet, round(delay(12.5, true), speed(16000, true), stop(31, false)))
	m.add(tuned, round(delay(50, true), speed(4000, true), stop(450, true)))
	m.add(shipped, round(stop(4100, true)))
	m.add(posnet, round(delay(90, false), speed(14000, true), stop(35, false)))
	m.add(tuned, round(delay(48, true), speed(5000, true), stop(470, true)))
	m.add(posnet, round(delay(13.5, true), speed(18000, true), stop(33, false)))
	m.add(tuned, round(delay(52, true), speed(900, false), stop(460, true)))
	return &m
}

func TestText(t *testing.T) {
	const path = "testdata/table.md"
	got := threeRounds().text("v1-2-gabc", options{rounds: 3, seconds: 10})
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table is\n%s\nwant\n%s(if it is meant so: go test ./hack/peers -update)", got, want)
	}
}

func TestDisturbedRunsAreThrownAway(t *testing.T) {
	m := threeRounds()
	for what, want := range map[string]float64{latency: 50 / 13.0, saturated: 16000 / 4500.0} {
		l := m.line(table.Row{What: what})
		if got, ok := l.ratio(); !ok || got-want > 1e-9 || want-got > 1e-9 {
			t.Errorf("%s: ratio %v %v, want %v", what, got, ok, want)
		}
	}
	if _, ok := m.line(table.Row{What: pause}).ratio(); ok {
		t.Error("there is a ratio with a figure that does not count")
	}
	if thrown, all := m.thrown(); thrown != 5 || all != 19 {
		t.Errorf("%d of %d thrown away", thrown, all)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		f         *figure
		value     float64
		quiet, ok bool
	}{
		{nil, 0, false, false},
		{&figure{}, 0, false, false},
		{&figure{quiet: []float64{3, 1, 2}}, 2, true, true},
		{&figure{quiet: []float64{4, 1}, disturbed: []float64{100}}, 2.5, true, true},
		{&figure{disturbed: []float64{7}}, 7, false, true},
	} {
		if v, quiet, ok := c.f.median(); v != c.value || quiet != c.quiet || ok != c.ok {
			t.Errorf("%+v: %v %v %v", c.f, v, quiet, ok)
		}
	}
}

func TestArguments(t *testing.T) {
	o, err := parseFlags([]string{"-rounds", "1", "-seconds", "2", "-only", "latency,pause"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"latency,pause", "latency,pause", "pause"} {
		args := o.arguments(contenders[i], "/bin/node")
		if at := slices.Index(args, "-only"); args[at+1] != want {
			t.Errorf("%s measures %q, want %q", contenders[i].title, args[at+1], want)
		}
	}
	if got := contenders[2].only("latency"); got != "" {
		t.Errorf("the third measures %q", got)
	}
	for args, want := range map[string]string{"-rounds 0": "1 to 20", "-rounds 21": "1 to 20", "latency": "is no flag"} {
		if _, err := parseFlags(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", args, err)
		}
	}
}
