package table

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
)

var update = flag.Bool("update", false, "write the golden files anew")

func someTable() *Table {
	quiet := machine.Cores{Nodes: 1.25, Loader: 0.125, Foreign: 0.04}
	loud := machine.Cores{Nodes: 1.5, Loader: 0.25, Foreign: 0.4}
	judged := func(r Row, runs ...machine.Cores) Row {
		for _, c := range runs {
			r.Judge(c.Foreign < machine.MaxForeign, c, 3*time.Millisecond)
		}
		return r
	}
	return &Table{
		Program: "posnet", Accounts: 1000, Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Cores: 2, Processor: "A Processor", System: "linux/amd64", Go: "go1.26",
		Data: "/data", InMemory: true, Rule: "pool.size >= 1",
		Rows: Finished([]Row{
			judged(Row{Name: "latency", What: "median latency at 100 a second", Value: 14.96, Unit: "ms", Limit: 15, AtMost: true, Details: "p90 20.0 ms"}, quiet),
			judged(Row{Name: "latency", What: "median latency at 4,000 a second", Value: 163, Unit: "ms", AtMost: true}, quiet),
			judged(Row{Name: "throughput", What: "throughput, 5 records a frame", Value: 7999.6, Unit: "/s", Limit: 8000}, quiet, loud, quiet),
			judged(Row{Name: "memory", What: "peak memory", Value: 100.5, Unit: "MiB", Limit: 100, AtMost: true}, quiet),
		}),
	}
}

func TestTableText(t *testing.T) {
	const path = "testdata/table.txt"
	got := someTable().Text()
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
		t.Errorf("the table is\n%s\nwant\n%s(if it is meant so: go test ./hack/bench/table -update)", got, want)
	}
}

func TestTableJSON(t *testing.T) {
	var text strings.Builder
	if err := someTable().Print(&text, true); err != nil {
		t.Fatal(err)
	}
	var got Table
	if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
		t.Fatal(err)
	}
	var met, counts []bool
	for _, r := range got.Rows {
		met, counts = append(met, r.Met), append(counts, r.Counts)
	}
	if len(met) != 4 || !met[0] || !met[1] || met[2] || met[3] {
		t.Errorf("met: %v", met)
	}
	if !counts[0] || counts[2] || got.Cores != 2 {
		t.Errorf("counts: %v, cores %d", counts, got.Cores)
	}
}

func TestFigure(t *testing.T) {
	for want, got := range map[string]string{
		"15 ms":      Figure(15, "ms"),
		"14.9 ms":    Figure(14.94, "ms"),
		"100 MiB":    Figure(100.4, "MiB"),
		"12,346/s":   Figure(12345.6, "/s"),
		"999/s":      Figure(999, "/s"),
		"1,234,567 ": Figure(1234567, ""),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
