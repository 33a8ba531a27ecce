package main

import (
	"context"
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

// A finding is told with the file of its input and the command that replays it.
func TestFinding(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module example.test/m\n\ngo 1.26\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc FuzzM(f *testing.F) {\n\tf.Add([]byte(\"a\"))\n\tf.Fuzz(func(t *testing.T, b []byte) {\n\t\tif len(b) > 3 {\n\t\t\tt.Error(\"more than three\")\n\t\t}\n\t})\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
	t.Setenv("GOFLAGS", "-mod=mod")
	err := (options{plain: true, time: time.Minute}).run(t.Context(), &strings.Builder{})
	for _, want := range []string{"FINDING of . FuzzM", "more than three", "the input: testdata/fuzz/FuzzM/", "replay: go test . -run '^FuzzM$/^"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
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
