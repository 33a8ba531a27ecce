package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

const (
	// minimize is how many tries a target has to find a smaller input of the same
	// use: more would cost an interesting one the time of the whole run.
	minimize = "200x"
	// maxSetUp is how long a target may take beside its time: to get ready, to go
	// through all inputs that are known, and to end.
	maxSetUp = 10 * time.Minute
)

// engine runs one target of a program until it has had its time.
//
// Go's own -fuzztime is not used. Where it ends, the engine may take its own
// deadline for a failure (golang/go#75804, mended in Go 1.27), and it runs out
// while a slow machine still gets ready. An interrupt is what the engine always
// takes for a wish.
type engine struct {
	program string
	cache   string // where inputs of interest are kept
	target  target
	span    time.Duration // counted from when it begins to vary inputs
}

// run returns what the engine wrote, and an error that is a finding where it
// was not that of ctx.
func (e engine) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.span+maxSetUp, errSlow)
	defer cancel()
	run := exec.CommandContext(ctx, e.program, "-test.run=^$", "-test.fuzz=^"+e.target.name+"$",
		"-test.fuzzminimizetime="+minimize, "-test.fuzzcachedir="+filepath.Join(e.cache, e.target.path))
	run.Dir = e.target.folder
	interrupt := func() error { return run.Process.Signal(os.Interrupt) } // its workers die with it
	run.Cancel, run.WaitDelay = interrupt, 10*time.Second
	out := &output{begun: func() { time.AfterFunc(e.span, func() { _ = interrupt() }) }}
	run.Stdout, run.Stderr = out, out
	err := run.Run()
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		err = fmt.Errorf("%w: %w", errSlow, err)
	}
	return out.text.Bytes(), err
}

var errSlow = fmt.Errorf("it did not end within %v beside its time", maxSetUp)

// begun is what the engine says when it begins to vary inputs, with known ones
// and without any.
var begun = regexp.MustCompile(`now fuzzing with |, execs: `)

// output gathers what the engine writes, and notices when it has gone through
// the known inputs.
type output struct {
	begun func() // called once
	mu    sync.Mutex
	text  bytes.Buffer
	told  bool
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if !o.told && begun.Match(o.text.Bytes()) {
		o.told = true
		o.begun()
	}
	return len(b), nil
}

// failing is where the engine says which file holds the input that fails.
var failing = regexp.MustCompile(`Failing input written to (\S+)`)

// replay says how to see a finding again.
func replay(t target, text []byte) string {
	found := failing.FindSubmatch(text)
	if found == nil { // a seed or an input kept before
		return fmt.Sprintf("replay: go test %s -run '^%s$'", t.pkg, t.name)
	}
	file := string(found[1])
	return fmt.Sprintf("the input: %s\nreplay: go test %s -run '^%s$/^%s$'", filepath.Join(t.pkg, file), t.pkg, t.name, filepath.Base(file))
}

// progress is how the engine tells how many tries there were, at what pace of
// late, and what it found of interest.
var progress = regexp.MustCompile(`execs: (\d+) \(\d+/sec\)(.*)`)

// outcome is the engine's last line of progress without time and pace.
func outcome(text []byte) string {
	all := progress.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return "done"
	}
	last := all[len(all)-1]
	return fmt.Sprintf("%s tries%s", last[1], last[2])
}
