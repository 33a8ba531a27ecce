package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/table"
)

// report is all that was measured, and on what.
type report struct {
	Time      time.Time `json:"time"` // when the run began
	Commit    string    `json:"commit,omitempty"`
	Cores     int       `json:"cores"` // of the machine
	Processor string    `json:"processor"`
	System    string    `json:"system"`
	Go        string    `json:"go"`
	InMemory  bool      `json:"inMemory,omitempty"` // the nodes' data was on no disk
	Seconds   float64   `json:"seconds"`            // how long the load went on
	Rate      int       `json:"rate"`               // records per second
	Records   uint64    `json:"records"`            // committed, each exactly once
	Height    uint64    `json:"height"`
	Refused   uint64    `json:"refused"` // times that a record had to be sent again
	LateMS    float64   `json:"late"`    // ms by which the load was behind its pace at worst
	Names     []string  `json:"names"`   // of the nodes
	Growths   []growth  `json:"growths"`
	Disks     []disk    `json:"disks"`
	Leaks     bool      `json:"leaks"`
	Samples   []sample  `json:"samples"`
}

func newReport(o options, dir string, all nodes.All) *report {
	r := &report{
		Time: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Processor: machine.ProcessorName(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), InMemory: machine.InMemory(dir),
		Seconds: o.time.Seconds(), Rate: o.rate,
	}
	for _, p := range all {
		r.Names = append(r.Names, p.Name)
	}
	return r
}

// judge judges each series of each node.
func (r *report) judge() error {
	for node, name := range r.Names {
		for _, s := range flat {
			g, err := s.judge(r.Samples, node, name)
			if err != nil {
				return err
			}
			r.Growths = append(r.Growths, g)
			r.Leaks = r.Leaks || g.Leaks
		}
		d, err := judgeDisk(r.Samples, node, name)
		if err != nil {
			return err
		}
		r.Disks = append(r.Disks, d)
		r.Leaks = r.Leaks || d.Leaks
	}
	return nil
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := io.WriteString(w, r.text())
	return err
}

// text is the table, in Markdown.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| what | level at the four nodes | growth an hour, of the worst | interval | allowed | verdict |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, s := range flat {
		g := worst(r.Growths, s.name)
		fmt.Fprintf(&b, "| %s | %s | %+.2f (%+.1f %%) | %+.2f to %+.2f | %.2f | %s |\n", s.name, r.levels(s),
			g.PerHour.Value, 100*g.PerHour.Value/g.Level, g.PerHour.Low, g.PerHour.High, g.Allowed, verdict(g.Leaks))
	}
	for i, d := range r.Disks {
		fmt.Fprintf(&b, "| disk a record, %s | %.0f, then %.0f B | %+.1f %% from one half to the other | %.0f to %.0f, then %.0f to %.0f B | %.0f %% | %s |\n", r.Names[i],
			d.First.Value, d.Second.Value, 100*(d.Second.Value/d.First.Value-1), d.First.Low, d.First.High, d.Second.Low, d.Second.High, 100*diskShare, verdict(d.Leaks))
	}
	fmt.Fprintf(&b, "\n%s records were committed in %s blocks, each record exactly once at all four nodes; %s had to be sent again; the load was %.0f ms behind its pace at worst.\n",
		table.Thousands(int(r.Records)), table.Thousands(int(r.Height)), table.Thousands(int(r.Refused)), r.LateMS)
	fmt.Fprintf(&b, "The files are those open besides the database's tables, of which the nodes had %s open in the end: as many as there are, up to a limit.\n", r.tables())
	if r.InMemory {
		fmt.Fprintf(&b, "The nodes' data was in memory: name a folder on a disk with -dir.\n")
	}
	return b.String()
}

// levels lists a series' level at each node.
func (r *report) levels(s series) string {
	var words []string
	for _, g := range r.Growths {
		if g.Series == s.name {
			words = append(words, fmt.Sprintf("%.0f", g.Level))
		}
	}
	return strings.TrimSpace(strings.Join(words, " ") + " " + s.unit)
}

// tables lists how many each node had open in the end.
func (r *report) tables() string {
	var words []string
	for _, n := range r.Samples[len(r.Samples)-1].Nodes {
		words = append(words, fmt.Sprintf("%.0f", n.Tables))
	}
	return strings.Join(words, ", ")
}

func verdict(leaks bool) string {
	if leaks {
		return "GROWS"
	}
	return "flat"
}

// markdown is the table with what it was measured on and its picture, for a page.
func (r *report) markdown(picture string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s, %d cores (%s, %s, %s); posnet %s; %s a second for %v.\n\n%s",
		r.Time.Format("2006-01-02"), r.Cores, r.Processor, r.System, r.Go, r.Commit, table.Thousands(r.Rate),
		time.Duration(r.Seconds*float64(time.Second)), r.text())
	if picture != "" {
		fmt.Fprintf(&b, "\n![What the nodes need as time goes by](%s)\n", picture)
	}
	return b.String()
}

// draw draws what the nodes need as time goes by.
func (r *report) draw(path string) error {
	var panels []curves.Panel
	for i, s := range flat {
		title := s.name
		if s.unit != "" {
			title += ", " + s.unit
		}
		panels = append(panels, r.panel(title, func(at sample, node int) float64 { return s.of(at.Nodes[node]) }))
		panels[i].Legend = i == 0 // the curves are of the same nodes everywhere
	}
	panels = append(panels,
		r.panel("data folder, MiB", func(at sample, node int) float64 { return at.Nodes[node].Disk / mebibyte }),
		r.panel("data folder by records committed, B", func(at sample, node int) float64 {
			return at.Nodes[node].Disk / max(1, float64(at.Records))
		}))
	return curves.Save(path, 2, panels)
}

// panel has a curve for each node.
func (r *report) panel(title string, of func(at sample, node int) float64) curves.Panel {
	p := curves.Panel{Title: title, X: "minutes"}
	for node, name := range r.Names {
		l := curves.Line{Name: name}
		for _, at := range r.Samples {
			l.X = append(l.X, at.Seconds/time.Minute.Seconds())
			l.Y = append(l.Y, of(at, node))
		}
		p.Lines = append(p.Lines, l)
	}
	return p
}
