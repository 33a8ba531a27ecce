package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Table is all that was measured, and on what.
type Table struct {
	Time      time.Time `json:"time"`
	Cores     int       `json:"cores"` // of the machine
	Processor string    `json:"processor"`
	System    string    `json:"system"` // operating system and architecture
	Go        string    `json:"go"`
	Data      string    `json:"data"` // where the nodes' data was
	InMemory  bool      `json:"inMemory,omitempty"`
	Rule      string    `json:"rule"` // the builder rule
	Rows      []Row     `json:"rows"`
}

// Row is one figure.
type Row struct {
	Name    string  `json:"name"` // as in -only
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Limit   float64 `json:"limit,omitempty"` // 0: there is none
	AtMost  bool    `json:"atMost"`          // the limit is the most, not the least, that is allowed
	Met     bool    `json:"met"`             // true where there is no limit
	Counts  bool    `json:"counts"`          // nothing else disturbed it
	LateMS  float64 `json:"late"`            // ms by which the loader was behind its schedule at worst
	Spread  *Spread `json:"latency,omitempty"`
	Cores   *Cores  `json:"cores"`
	Details string  `json:"details"`
}

func newTable(b *bench) *Table {
	return &Table{
		Time: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Processor: processorName(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Data: b.dir, InMemory: inMemory(b.dir), Rule: b.design.spec.Builder.When,
	}
}

// judge notes whether a run counts. Of several runs, one that does not is enough
// for the row not to count, and the cores are those of the most disturbed.
func (r *Row) judge(o outcome) {
	r.Counts = o.counts() && (r.Cores == nil || r.Counts)
	r.LateMS = max(r.LateMS, ms(o.late))
	if r.Cores == nil || o.cores.Foreign > r.Cores.Foreign {
		r.Cores = &o.cores
	}
}

// finished judges rows by their limits.
func finished(rows []Row) []Row {
	for i := range rows {
		r := &rows[i]
		r.Met = r.Limit == 0 || r.AtMost && r.Value <= r.Limit || !r.AtMost && r.Value >= r.Limit
	}
	return rows
}

func (t *Table) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(t)
	}
	_, err := io.WriteString(w, t.text())
	return err
}

func (t *Table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "posnet on %d cores (%s, %s, %s), %s\n", t.Cores, t.Processor, t.System, t.Go, t.Time.Format(time.RFC3339))
	fmt.Fprintf(&b, "four validators in four processes, signed transfers between %s accounts, a block when %s\n\n", thousands(accountCount), t.Rule)
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tmeasured\tlimit\tmet\tnodes\tloader\tforeign\tdetails")
	loud := false
	for _, r := range t.Rows {
		foreign := fmt.Sprintf("%.2f", r.Cores.Foreign)
		if !r.Counts {
			loud, foreign = true, foreign+" *"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.2f\t%.2f\t%s\t%s\n", r.What, figure(r.Value, r.Unit), r.limit(), r.met(),
			r.Cores.Nodes, r.Cores.Loader, foreign, r.Details)
	}
	_ = tw.Flush() // into memory
	fmt.Fprintf(&b, "\nnodes, loader, foreign: processor cores used on average by all nodes, by this program, and by the rest of the machine\n")
	if loud {
		fmt.Fprintf(&b, "* does not count: in every try, the rest of the machine used more than %.2f of a core or kept the loader %v behind its schedule\n", maxForeign, maxLate)
	}
	if t.InMemory {
		fmt.Fprintf(&b, "%s is in memory, where syncing costs nothing: name a folder on a disk with -dir\n", t.Data)
	}
	return b.String()
}

func (r Row) limit() string {
	switch {
	case r.Limit == 0:
		return "-"
	case r.AtMost:
		return "<= " + figure(r.Limit, r.Unit)
	}
	return ">= " + figure(r.Limit, r.Unit)
}

func (r Row) met() string {
	switch {
	case r.Limit == 0:
		return "-"
	case r.Met:
		return "yes"
	}
	return "NO"
}

// figure writes a value with three digits that count, and its unit.
func figure(value float64, unit string) string {
	space := " "
	if strings.HasPrefix(unit, "/") {
		space = ""
	}
	if value >= 100 || value == float64(int(value)) {
		return thousands(int(value+0.5)) + space + unit
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + space + unit
}

// thousands writes a whole number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// inMemory reports whether a folder is on no disk, as /tmp is on some systems.
func inMemory(dir string) bool {
	mounts, err := os.ReadFile("/proc/self/mounts")
	return err == nil && fileSystem(string(mounts), dir) == "tmpfs"
}

// fileSystem returns the type of what is mounted where dir is, from the text of
// /proc/self/mounts: that of the longest mount point above dir.
func fileSystem(mounts, dir string) string {
	kind, longest := "", 0
	for _, line := range strings.Split(mounts, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := fields[1]
		above := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
		if above && len(point) >= longest {
			kind, longest = fields[2], len(point)
		}
	}
	return kind
}
