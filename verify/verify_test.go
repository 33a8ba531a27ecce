package verify_test

import (
	"path/filepath"
	"testing"

	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

func TestFolder(t *testing.T) {
	made := forge.Lively()
	dir := filepath.Join(t.TempDir(), "data")
	if err := made.Store(dir); err != nil {
		t.Fatal(err)
	}
	f, err := source.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: f})
	if err != nil || r.Fault != nil || r.Tally.Blocks != forge.LivelyBlocks {
		t.Fatal(r, err)
	}
}
