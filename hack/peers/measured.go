package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/posnet/posnet/hack/bench/table"
)

// figure is one row of one contender in all rounds.
type figure struct {
	quiet, disturbed []float64
}

// median is that of the quiet runs, or, where all were disturbed, of those.
func (f *figure) median() (value float64, quiet, ok bool) {
	if f == nil {
		return 0, false, false
	}
	runs := f.quiet
	if len(runs) == 0 {
		runs = f.disturbed
	}
	if len(runs) == 0 {
		return 0, false, false
	}
	sorted := slices.Sorted(slices.Values(runs))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2, len(f.quiet) > 0, true
}

// line is one row with the figures of all contenders, by title.
type line struct {
	row     table.Row // of the first that had it
	figures map[string]*figure
}

// measured is all rounds.
type measured struct {
	head  *table.Table // of the first round
	lines []*line
}

// add takes in a contender's round.
func (m *measured) add(c contender, t *table.Table) {
	if m.head == nil {
		m.head = t
	}
	for _, r := range t.Rows {
		f := m.line(r).figures
		if f[c.title] == nil {
			f[c.title] = &figure{}
		}
		if r.Counts {
			f[c.title].quiet = append(f[c.title].quiet, r.Value)
		} else {
			f[c.title].disturbed = append(f[c.title].disturbed, r.Value)
		}
	}
}

func (m *measured) line(r table.Row) *line {
	for _, l := range m.lines {
		if l.row.What == r.What {
			return l
		}
	}
	l := &line{row: r, figures: map[string]*figure{}}
	m.lines = append(m.lines, l)
	return l
}

// ratio is how many times better the first contender is than the second; ok is
// false where one has no figure that counts.
func (l *line) ratio() (ratio float64, ok bool) {
	a, quietA, okA := l.figures[contenders[0].title].median()
	b, quietB, okB := l.figures[contenders[1].title].median()
	if !okA || !okB || !quietA || !quietB || a <= 0 || b <= 0 {
		return 0, false
	}
	if l.row.AtMost {
		return b / a, true
	}
	return a / b, true
}

// cell is a contender's figure; one in brackets does not count.
func (l *line) cell(title string) string {
	v, quiet, ok := l.figures[title].median()
	if !ok {
		return "–"
	}
	text := table.Figure(v, l.row.Unit)
	if !quiet {
		return "(" + text + ")"
	}
	return text
}

func (l *line) goal() string {
	if l.row.Limit == 0 {
		return "–"
	}
	met := "missed"
	v, quiet, ok := l.figures[contenders[0].title].median()
	switch {
	case !ok || !quiet:
		met = "no quiet run"
	case l.row.AtMost && v <= l.row.Limit || !l.row.AtMost && v >= l.row.Limit:
		met = "met"
	}
	return l.row.LimitText() + ", " + met
}

// thrown counts the runs that did not count, and all.
func (m *measured) thrown() (thrown, all int) {
	for _, l := range m.lines {
		for _, f := range l.figures {
			thrown += len(f.disturbed)
			all += len(f.quiet) + len(f.disturbed)
		}
	}
	return thrown, all
}

// text is the table in Markdown, with what it was measured on.
func (m *measured) text(commit string, o options) string {
	var b strings.Builder
	h := m.head
	fmt.Fprintf(&b, "Measured on %s, %d cores (%s, %s, %s); posnet %s, CometBFT v1.0.1; %d rounds in turn of %d s a run.\n\n",
		h.Time.Format("2006-01-02"), h.Cores, h.Processor, h.System, h.Go, commit, o.rounds, o.seconds)
	fmt.Fprintf(&b, "| what | %s | %s | %s | ratio | goal |\n| --- | --- | --- | --- | --- | --- |\n", contenders[0].title, contenders[1].title, contenders[2].title)
	for _, l := range m.lines {
		ratio := "–"
		if r, ok := l.ratio(); ok {
			ratio = fmt.Sprintf("%.1f", r)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", l.row.What,
			l.cell(contenders[0].title), l.cell(contenders[1].title), l.cell(contenders[2].title), ratio, l.goal())
	}
	thrown, all := m.thrown()
	fmt.Fprintf(&b, "\nEach figure is the median of the runs that nothing else disturbed; the ratio says how many times better posnet is. Of %d figures %d were thrown away; those in brackets have no run that counts.\n", all, thrown)
	return b.String()
}
