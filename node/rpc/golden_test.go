package rpc_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

var update = flag.Bool("update", false, "write the answers into the golden files")

// TestGolden plays testdata/*.txt: lines with > are sent, and the < below must
// be what comes back, byte for byte. Run with -update to see a change as a diff.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playGolden(t, file) })
	}
}

func playGolden(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := connect(t, serve(t, goldenNode(), rpc.Options{Version: "v1", HeightTimeout: time.Millisecond}))
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "< ") {
			continue
		}
		out.WriteString(line + "\n")
		if request, ok := strings.CutPrefix(line, "> "); ok {
			out.WriteString("< " + s.ask(request) + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out.String() != string(text) {
		t.Errorf("%s differs; the answers now:\n%s", file, out.String())
	}
}

// goldenNode refuses what a node would, by fixed rules.
func goldenNode() *fake {
	f := newFake()
	f.merging = func(records []*types.Record) error {
		for i, r := range records {
			switch {
			case r.Type == types.Reading:
				return &rpc.RecordError{Index: i, Status: message.StatusForbidden, Err: &types.FieldError{Field: "type", Reason: "is a reading: only guests bring readings"}}
			case r.Amount == 404:
				return message.Errorf(message.StatusNotReady, "The node is not caught up: it has 3 blocks, its peers 9")
			case r.Amount == 429:
				return message.Errorf(message.StatusTooFast, "The pool is full: try again once a block has been made")
			}
		}
		return nil
	}
	return f
}
