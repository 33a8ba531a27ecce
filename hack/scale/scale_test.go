package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScale measures small networks: not for the figures, but so that all parts go
// on fitting the nodes.
func TestScale(t *testing.T) {
	dir := t.TempDir()
	o := options{
		only: parts, simulated: []int{1, 4}, processes: []int{4}, accounts: []int{3000}, blocks: []int{100, 200}, span: time.Second,
		manifest: "../../config/samples/bench.yaml", dir: dir, pictures: dir, write: filepath.Join(dir, "a.md"),
	}
	marks := ""
	for _, part := range parts {
		marks += "<!-- begin scale-" + part + ": x -->\n<!-- end scale-" + part + " -->\n"
	}
	if err := os.WriteFile(o.write, []byte(marks), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := scale(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	page, err := os.ReadFile(o.write)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		name := "scale-" + part + ".svg"
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil || !strings.Contains(string(page), "("+name+")") {
			t.Errorf("%s: error %v; the page is\n%s", name, err, page)
		}
	}
	for _, row := range []string{"| 4 validators |", "| 3,000 |", "| `balance` |"} {
		if !strings.Contains(string(page), row) || !strings.Contains(out.String(), row) {
			t.Errorf("no row %s in\n%s", row, page)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "posnet-scale-*")); len(left) > 0 {
		t.Errorf("it leaves %v behind", left)
	}
}

// TestMessagesOfAgreement: in a network where nothing goes wrong, each validator
// sends each other two votes, and the winner its proposal.
func TestMessagesOfAgreement(t *testing.T) {
	const n = 5
	s, err := simulate(n)
	if err != nil {
		t.Fatal(err)
	}
	got := s.traffic
	if got.votes != 2*n*(n-1) || got.proposals != n-1 || got.bytes < 100*got.messages() || s.time <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-only", "blocks", "-blocks", "100,1000", "-pictures", "docs"})
	if err != nil || len(o.only) != 1 || len(o.blocks) != 2 || len(o.simulated) != 5 || o.picture("blocks") != "docs/scale-blocks.svg" {
		t.Errorf("%+v, error %v", o, err)
	}
	for args, want := range map[string]string{
		"-only speed":          `"speed": there are validators, accounts, blocks`,
		"-blocks 10":           "from 100 to 10000000",
		"-blocks 1000,100":     "ascending",
		"-blocks 1e6":          `"1e6"`,
		"-validators 101":      "from 1 to 100",
		"-processes 65":        "from 1 to 64",
		"-accounts 999":        "from 1000",
		"-span 10ms":           "1s to 1h",
		"validators":           "is no flag",
		"-accounts 1000000000": "to 20000000",
	} {
		if _, err := parseFlags(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", args, err, want)
		}
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12 * time.Second: "12 s", 1500 * time.Millisecond: "1.5 s", 250 * time.Millisecond: "250 ms", 2500 * time.Microsecond: "2.5 ms", 80 * time.Microsecond: "80 µs",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for v, want := range map[float64]string{500: "500 B", 20 << 10: "20 KiB", 3 << 20: "3.0 MiB"} {
		if got := bytesText(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	var took []time.Duration
	for i := 100; i > 0; i-- {
		took = append(took, time.Duration(i))
	}
	if a := answerOf(took); a.fast != 10 || a.median != 50 || a.p99 != 99 {
		t.Errorf("%+v", a)
	}
}
