package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// minimize is how many tries a target has to find a smaller input of the same
// use: more would cost an interesting one the time of the whole run.
const minimize = "200x"

// bench builds the test programs and runs them.
type bench struct {
	plain    bool
	programs string            // the folder they are built into
	built    map[string]string // by package
	cache    string            // where the engine keeps what is of interest, as go test -fuzz does
}

func newBench(ctx context.Context, plain bool) (*bench, error) {
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	programs, err := os.MkdirTemp("", "posnet-fuzz-")
	if err != nil {
		return nil, err
	}
	return &bench{plain, programs, map[string]string{}, filepath.Join(strings.TrimSpace(string(cache)), "fuzz")}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.programs) }

// build builds the test program of a target's package, once for all its targets.
func (b *bench) build(ctx context.Context, t target) (string, error) {
	if program := b.built[t.pkg]; program != "" {
		return program, nil
	}
	program := filepath.Join(b.programs, fmt.Sprintf("%d.test", len(b.built)))
	args := []string{"test", "-c", "-o", program}
	if !b.plain {
		args = append(args, "-fuzz=Fuzz") // which has all packages instrumented, so that new paths are noticed
	}
	text, err := exec.CommandContext(ctx, "go", append(args, t.pkg)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not build: %w\n%s", t.pkg, err, text)
	}
	b.built[t.pkg] = program
	return program, nil
}

// fuzz runs a target and returns what it did, or the finding.
func (b *bench) fuzz(ctx context.Context, t target, span time.Duration) (string, error) {
	program, err := b.build(ctx, t)
	if err != nil {
		return "", err
	}
	run := exec.CommandContext(ctx, program, "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+span.String(),
		"-test.fuzzminimizetime="+minimize, "-test.fuzzcachedir="+filepath.Join(b.cache, t.path))
	run.Dir = t.folder
	// The workers die with the one that began them.
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.WaitDelay = 10 * time.Second
	text, err := run.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("FINDING of %s: %w\n%s\n%s", t, err, text, replay(t, text))
	}
	return outcome(text), nil
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

// outcome is the engine's last line of progress without the time.
func outcome(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		if _, execs, ok := bytes.Cut(lines[i], []byte("execs: ")); ok {
			return string(execs)
		}
	}
	return "done"
}
