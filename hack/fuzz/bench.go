package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

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

// finding is the error of a target that failed.
type finding struct {
	target target
	err    error
	text   []byte // what the engine wrote
}

// Error implements error.
func (f *finding) Error() string {
	return fmt.Sprintf("%s: %v\n%s%s", f.target, f.err, f.text, replay(f.target, f.text))
}

// fuzz runs a target and returns what it did, or a *finding.
func (b *bench) fuzz(ctx context.Context, t target, span time.Duration) (string, error) {
	program, err := b.build(ctx, t)
	if err != nil {
		return "", err
	}
	text, err := engine{program, b.cache, t, span}.run(ctx)
	if err != nil {
		return "", &finding{t, err, text}
	}
	return outcome(text), nil
}
