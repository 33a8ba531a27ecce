package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// How often progress is told: where a line can be written over, and where each
// is one more.
const (
	tellTerminal = 250 * time.Millisecond
	tellLines    = 30 * time.Second
)

// progress tells how far a run is, at what pace, and how long it will take.
type progress struct {
	out      io.Writer
	what     string
	total    uint64 // 0: unknown
	began    time.Time
	terminal bool

	mu   sync.Mutex
	told time.Time
}

func newProgress(out io.Writer, what string, total uint64) *progress {
	f, ok := out.(*os.File)
	p := &progress{out: out, what: what, total: total, began: time.Now(), terminal: ok && term.IsTerminal(int(f.Fd()))}
	p.told = p.began
	return p
}

func (p *progress) took() time.Duration { return time.Since(p.began).Round(time.Millisecond) }

// set tells how much is done, if it is time to.
func (p *progress) set(done uint64, beside string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	interval := tellLines
	if p.terminal {
		interval = tellTerminal
	}
	if time.Since(p.told) < interval {
		return
	}
	p.told = time.Now()
	line := p.line(done, time.Since(p.began)) + ", " + beside
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(p.out, line)
	}
}

// line is "12000 of 100000 heights, 810/s, 1m49s left".
func (p *progress) line(done uint64, took time.Duration) string {
	pace := float64(done) / took.Seconds()
	if p.total == 0 {
		return fmt.Sprintf("%d %s, %.0f/s", done, p.what, pace)
	}
	left := "?"
	if done > 0 {
		left = (time.Duration(float64(p.total-min(done, p.total)) / pace * float64(time.Second))).Round(time.Second).String()
	}
	return fmt.Sprintf("%d of %d %s, %.0f/s, %s left", done, p.total, p.what, pace, left)
}

// end takes the line away.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
