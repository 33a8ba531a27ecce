package verify_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// A folder that has not all blocks is refused in words that say why, and from
// where on it has them.
func TestPrunedFolder(t *testing.T) {
	made := forge.Lively()
	dir := filepath.Join(t.TempDir(), "data")
	if err := made.Store(dir); err != nil {
		t.Fatal(err)
	}
	first := made.Genesis.Validators[0]
	data, err := storage.Open(dir, storage.Identity{Network: made.Genesis.Network(), Validator: first.Key, Name: first.Name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range made.Blocks[:6] {
		if err := data.Store.Prune(storage.Pruned{Height: b.Header.Height, Records: b.IDs()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := source.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: f})
	if err == nil || !strings.Contains(err.Error(), "it has no block below 7") || !strings.Contains(err.Error(), "on trust") {
		t.Errorf("got %v", err)
	}
}
