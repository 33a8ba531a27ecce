// Package table is what a benchmark measured, as text for people and as JSON for
// whoever holds several of them beside each other.
package table

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
)

// MaxLate is how late a record may be sent for a run to count: with more, the
// loop is no longer open, and waits hide in it.
const MaxLate = 50 * time.Millisecond

// Spread is how values are spread, in milliseconds.
type Spread struct {
	Median float64 `json:"p50"`
	P90    float64 `json:"p90"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// Table is all that was measured, and on what.
type Table struct {
	Time      time.Time `json:"time"`
	Program   string    `json:"program"` // that was measured, and how it was set
	Cores     int       `json:"cores"`   // of the machine
	Processor string    `json:"processor"`
	System    string    `json:"system"` // operating system and architecture
	Go        string    `json:"go"`
	Data      string    `json:"data"` // where the nodes' data was
	InMemory  bool      `json:"inMemory,omitempty"`
	Rule      string    `json:"rule"` // when a block is made
	Accounts  int       `json:"accounts"`
	Rows      []Row     `json:"rows"`
}

// Row is one figure.
type Row struct {
	Name    string         `json:"name"` // as in -only
	What    string         `json:"what"`
	Value   float64        `json:"value"`
	Unit    string         `json:"unit"`
	Limit   float64        `json:"limit,omitempty"` // 0: there is none
	AtMost  bool           `json:"atMost"`          // the limit is the most, not the least, that is allowed
	Met     bool           `json:"met"`             // true where there is no limit
	Counts  bool           `json:"counts"`          // nothing else disturbed it
	LateMS  float64        `json:"late"`            // ms by which the loader was behind its schedule at worst
	Spread  *Spread        `json:"latency,omitempty"`
	Cores   *machine.Cores `json:"cores"`
	Details string         `json:"details"`
}

// Judge notes how disturbed a run was that the row is from. Of several runs, one
// that does not count is enough for the row not to count, and the cores are those
// of the most disturbed.
func (r *Row) Judge(counts bool, cores machine.Cores, late time.Duration) {
	r.Counts = counts && (r.Cores == nil || r.Counts)
	r.LateMS = max(r.LateMS, float64(late)/float64(time.Millisecond))
	if r.Cores == nil || cores.Foreign > r.Cores.Foreign {
		r.Cores = &cores
	}
}

// Finished judges rows by their limits.
func Finished(rows []Row) []Row {
	for i := range rows {
		r := &rows[i]
		r.Met = r.Limit == 0 || r.AtMost && r.Value <= r.Limit || !r.AtMost && r.Value >= r.Limit
	}
	return rows
}

// Print writes the table as text or as JSON.
func (t *Table) Print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(t)
	}
	_, err := io.WriteString(w, t.Text())
	return err
}

// Text is the table for people to read.
func (t *Table) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %d cores (%s, %s, %s), %s\n", t.Program, t.Cores, t.Processor, t.System, t.Go, t.Time.Format(time.RFC3339))
	fmt.Fprintf(&b, "four validators in four processes, signed transfers between %s accounts, a block when %s\n\n", Thousands(t.Accounts), t.Rule)
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tmeasured\tlimit\tmet\tnodes\tloader\tforeign\tdetails")
	loud := false
	for _, r := range t.Rows {
		foreign := fmt.Sprintf("%.2f", r.Cores.Foreign)
		if !r.Counts {
			loud, foreign = true, foreign+" *"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.2f\t%.2f\t%s\t%s\n", r.What, Figure(r.Value, r.Unit), r.LimitText(), r.met(),
			r.Cores.Nodes, r.Cores.Loader, foreign, r.Details)
	}
	_ = tw.Flush() // into memory
	fmt.Fprintf(&b, "\nnodes, loader, foreign: processor cores used on average by all nodes, by this program, and by the rest of the machine\n")
	if loud {
		fmt.Fprintf(&b, "* does not count: in every try, the rest of the machine used more than %.2f of a core or kept the loader %v behind its schedule\n", machine.MaxForeign, MaxLate)
	}
	if t.InMemory {
		fmt.Fprintf(&b, "%s is in memory, where syncing costs nothing: name a folder on a disk with -dir\n", t.Data)
	}
	return b.String()
}

// LimitText is the limit with its unit, or a dash.
func (r Row) LimitText() string {
	switch {
	case r.Limit == 0:
		return "-"
	case r.AtMost:
		return "<= " + Figure(r.Limit, r.Unit)
	}
	return ">= " + Figure(r.Limit, r.Unit)
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

// Figure writes a value with three digits that count, and its unit.
func Figure(value float64, unit string) string {
	space := " "
	if strings.HasPrefix(unit, "/") {
		space = ""
	}
	if value >= 100 || value == float64(int(value)) {
		return Thousands(int(value+0.5)) + space + unit
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + space + unit
}

// Thousands writes a whole number with commas.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
