package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every target of a package is found, and a short run of one says what it did.
func TestRun(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	var out strings.Builder
	if err := (options{only: "node/types Fuzz", list: true}).run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "node/types FuzzRecordJSON\n") {
		t.Errorf("%v, %s", err, out.String())
	}
	out.Reset()
	if err := (options{only: "FuzzSummary", plain: true, time: 10 * time.Millisecond}).run(t.Context(), &out); err != nil ||
		!strings.HasPrefix(out.String(), "1 of 1  node/consensus FuzzSummary") || !strings.Contains(out.String(), "no finding in 1 targets") {
		t.Errorf("%v, %s", err, out.String())
	}
	if err := (options{only: "nothing at all"}).run(t.Context(), &out); err == nil || err.Error() != `no fuzz target has "nothing at all" in its name` {
		t.Errorf("%v", err)
	}
}

// module makes a module with one package of fuzz targets the working folder.
func module(t *testing.T, targets string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":    "module example.test/m\n\ngo 1.26\n",
		"m_test.go": "package m\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nvar _ time.Duration\n" + targets,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOFLAGS", "-mod=mod")
}

// A finding is told with the file of its input and the command that replays it,
// and the other targets run all the same.
func TestFinding(t *testing.T) {
	module(t, `
func FuzzM(f *testing.F) {
	f.Add([]byte("a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 3 {
			t.Error("more than three")
		}
	})
}

func FuzzSeed(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, _ int) { t.Error("always") })
}

func FuzzSound(f *testing.F) { f.Fuzz(func(*testing.T, []byte) {}) }
`)
	var out strings.Builder
	err := (options{plain: true, time: 300 * time.Millisecond}).run(t.Context(), &out)
	if err == nil || !strings.HasPrefix(err.Error(), "a finding in 2 of 3 targets") {
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{
		"1 of 3  . FuzzM ", "FINDING", "more than three", "the input: testdata/fuzz/FuzzM/", "replay: go test . -run '^FuzzM$/^",
		"2 of 3  . FuzzSeed", "always", "replay: go test . -run '^FuzzSeed$'\n", "3 of 3  . FuzzSound",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q: %s", want, out.String())
		}
	}
}

// The time of a target begins when it is ready and has gone through its seeds,
// and its end is no failure, not even of one that is amid a try that takes long.
func TestSlow(t *testing.T) {
	module(t, `
func FuzzReady(f *testing.F) {
	time.Sleep(500 * time.Millisecond)
	for i := range 10 {
		f.Add(i)
	}
	f.Fuzz(func(*testing.T, int) { time.Sleep(20 * time.Millisecond) })
}

func FuzzTry(f *testing.F) {
	f.Fuzz(func(_ *testing.T, i int) {
		if i != 0 {
			time.Sleep(3 * time.Second)
		}
	})
}
`)
	var out strings.Builder
	if err := (options{plain: true, time: 400 * time.Millisecond}).run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var done int
	if _, err := fmt.Sscanf(out.String(), "1 of 2  . FuzzReady %d tries", &done); err != nil || done <= 10 {
		t.Errorf("%d tries, of which 10 are the seeds: %s, %v", done, out.String(), err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (options{only: "FuzzSummary"}).run(ctx, &strings.Builder{}); err == nil {
		t.Error("no error")
	}
}

// What is kept are small files of all sizes, and never more than asked for.
func TestKeep(t *testing.T) {
	cache, folder := t.TempDir(), t.TempDir()
	b, one := &bench{cache: cache}, target{folder: folder, path: "example.test/m", name: "FuzzM"}
	if err := b.keep(one, 2); err != nil { // nothing was found
		t.Fatal(err)
	}
	from := filepath.Join(cache, one.path, one.name)
	if err := os.MkdirAll(from, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"a": 1, "b": 2, "c": 100, "d": 200, "large": maxKeptBytes + 1} {
		if err := os.WriteFile(filepath.Join(from, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := b.keep(one, 2); err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(filepath.Join(folder, "testdata", "fuzz", "FuzzM", "*"))
		if err != nil || len(kept) != 2 || filepath.Base(kept[0]) != "a" || filepath.Base(kept[1]) != "c" {
			t.Errorf("kept are %v, %v", kept, err)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-time", "0s"}, {"-time", "x"}, {"more"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
