package verify_test

import (
	"path/filepath"
	"testing"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// The stored state is held against that of its own height: the one before the
// newest block, the newest's, as older programs stored it, or that of genesis. One of
// another height is wrong.
func TestStoredStateOfEachHeight(t *testing.T) {
	for name, c := range map[string]struct {
		blocks int
		state  int // height of the stored state
		fault  bool
	}{
		"genesis":            {0, 0, false},
		"late, one block":    {1, 0, false},
		"late":               {20, 19, false},
		"of the newest":      {20, 20, false},
		"of an older height": {20, 18, true},
	} {
		t.Run(name, func(t *testing.T) {
			made := forge.Lively()
			made.Blocks = made.Blocks[:c.blocks]
			dir := filepath.Join(t.TempDir(), "data")
			storeWith(t, made, dir, c.state)
			f, err := source.OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: f})
			if err != nil || (r.Fault != nil) != c.fault {
				t.Fatalf("%+v, %v", r.Fault, err)
			}
			if c.fault && (r.Fault.Height != 20 || r.Tally.Blocks != 20) {
				t.Errorf("%+v after %d sound blocks", r.Fault, r.Tally.Blocks)
			}
		})
	}
}

// storeWith stores a chain with the state of one of its heights.
func storeWith(t *testing.T, made *forge.Chain, dir string, height int) {
	t.Helper()
	first := made.Genesis.Validators[0]
	data, err := storage.Open(dir, storage.Identity{Network: made.Genesis.Network(), Validator: first.Key, Name: first.Name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	state, err := ledger.New(made.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.Store.Commit(storage.Commit{State: toStore(state.Entries())}); err != nil {
		t.Fatal(err)
	}
	beside := made.Beside()
	for i, b := range made.Blocks {
		com := storage.Commit{Height: b.Header.Height, Block: b.Encode(), Certificate: b.Certificate.Encode(), Records: b.IDs(), Aux: beside[i]}
		if i < height {
			com.State = toStore(b.Changes)
		}
		if err := data.Store.Commit(com); err != nil {
			t.Fatal(err)
		}
	}
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
}

func toStore(changes []ledger.Change) []storage.Change {
	out := make([]storage.Change, len(changes))
	for i, c := range changes {
		out[i] = storage.Change(c)
	}
	return out
}

// So it is where the old blocks are gone, and the state leads back to the oldest.
func TestStoredStateOfEachHeightPruned(t *testing.T) {
	for state, fault := range map[int]bool{19: false, 20: false, 18: true} {
		for _, below := range []uint64{5, 20} {
			made := forge.Guestless()
			made.Blocks = made.Blocks[:20]
			dir := filepath.Join(t.TempDir(), "data")
			storeWith(t, made, dir, state)
			if err := made.Prune(dir, below); err != nil {
				t.Fatal(err)
			}
			r := verifiedFolder(t, made, dir, nil)
			if (r.Fault != nil) != fault || !fault && (r.Lacks != "" || r.Tally.Applied != below) {
				t.Errorf("state of %d, below %d: %v, lacks %q, %+v", state, below, r.Fault, r.Lacks, r.Tally)
			}
		}
	}
}
