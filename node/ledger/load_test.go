package ledger

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

var update = flag.Bool("update", false, "write the golden files anew")

// lively returns a state that has entries of every kind.
func lively(t testing.TB) (*genesis.Genesis, *State) {
	g := newGenesis()
	s := newTestState(t, g)
	block(t, s, entry(eve, alice, 10, 70, 0), pay(keyed(carol), keyed(dave), 5, 0), mint(open(dave), 7, 5))
	block(t, s, stake(carol, "carol", 7, 0), entry(frank, bob, 10, 80, 0))
	block(t, s, leave(eve, 1))
	return g, s
}

func TestLoad(t *testing.T) {
	g, s := lively(t)
	loaded := replay(t, g, s.Entries())
	same := func() {
		t.Helper()
		if loaded.Digest() != s.Digest() {
			t.Errorf("at height %d the loaded state has digest %s, want %s", s.Height(), loaded.Digest(), s.Digest())
		}
		if !slices.EqualFunc(loaded.Entries(), s.Entries(), equalChange) {
			t.Errorf("at height %d the loaded state has other entries", s.Height())
		}
		if loaded.Height() != s.Height() || loaded.Seed() != s.Seed() || loaded.Minted() != s.Minted() || loaded.crowd != s.crowd {
			t.Errorf("at height %d the loaded state differs", s.Height())
		}
		if schedule(loaded) != schedule(s) || drawn(loaded) != drawn(s) || !slices.Equal(loaded.Guests(), s.Guests()) {
			t.Errorf("at height %d the loaded state has another schedule", s.Height())
		}
	}
	same()
	for range 3 { // what is under way goes on in both
		block(t, s)
		block(t, loaded)
		same()
	}
}

func equalChange(a, b Change) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
}

// TestChangesKeepTheDisk checks that the changes of each block, applied to a
// plain map as a store does, keep it equal to the state.
func TestChangesKeepTheDisk(t *testing.T) {
	s := newTestState(t, newGenesis())
	disk := asMap(s.Entries())
	for _, records := range [][]types.VerifiedRecord{
		{entry(eve, alice, 10, 70, 0), mint(open(dave), 7, 5)},
		{stake(carol, "carol", 7, 0)},
		{pay(open(dave), keyed(dave), 7, 0), leave(eve, 1)},
		{stake(carol, "carol", 0, 1)},
		nil, nil,
	} {
		for _, c := range block(t, s, records...) {
			if c.Value == nil {
				delete(disk, string(c.Key))
				continue
			}
			disk[string(c.Key)] = string(c.Value)
		}
		if got := plainRoot(disk); s.Digest() != got {
			t.Errorf("at height %d the stored entries have digest %s, the state %s", s.Height(), got, s.Digest())
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	g, s := lively(t)
	other := newGenesis()
	other.Name = "other"
	change := func(prefix string, edit func(*Change)) func([]Change) []Change {
		return func(entries []Change) []Change {
			for i := range entries {
				if strings.HasPrefix(string(entries[i].Key), prefix) {
					entries[i].Key, entries[i].Value = slices.Clone(entries[i].Key), slices.Clone(entries[i].Value)
					edit(&entries[i])
					return entries
				}
			}
			t.Fatalf("no entry begins with %q", prefix)
			return nil
		}
	}
	cut := func(c *Change) { c.Value = c.Value[:len(c.Value)-1] }
	const damaged = "ledger: the stored state is damaged or foreign: "
	for _, c := range []struct {
		name    string
		genesis *genesis.Genesis
		edit    func([]Change) []Change
		want    string
	}{
		{"another network", other, nil, damaged + "it is the state of network " + g.Network().Short() + ", and this node's genesis file is that of " + other.Network().Short()},
		{"nothing", g, func([]Change) []Change { return nil }, "ledger: the stored state is damaged: it has no entries"},
		{"an entry twice", g, func(e []Change) []Change { return append(e, e[0]) }, "ledger: the stored state is damaged: an entry is there twice"},
		{"no meta", g, func(e []Change) []Change { return e[:3] }, "ledger: the stored state is damaged: a validator set is missing"},
		{"a lost account", g, func(e []Change) []Change { return e[1:] }, "ledger: the stored state is damaged: the balances are 57 together, and 60 were minted"},
		{"an unknown kind", g, change("o", func(c *Change) { c.Key[0] = 'x' }), damaged + "key 78"},
		{"an empty key", g, change("o", func(c *Change) { c.Key = nil }), damaged + "an entry has no key"},
		{"a short account", g, change("a", cut), damaged + "the encoding ends early: 8 bytes wanted, 7 left"},
		{"an account of no kind", g, change("a", func(c *Change) { c.Key[1] = 3 }), damaged + "key 03"},
		{"a wrong mark", g, change("o", func(c *Change) { c.Value[0] = 2 }), damaged + "the mark of an open record is not 1"},
		{"a short set", g, change("v", cut), damaged + "the encoding ends early"},
		{"an empty set", g, change("v", func(c *Change) { c.Value = make([]byte, 4) }), damaged + "0 validators: a network has 1 to 100"},
		{"a third set", g, change("v", func(c *Change) { c.Key[1] = 3 }), damaged + "a validator set of kind 3: it must be 1 or 2"},
		{"a short guest", g, change("g", cut), damaged + "the encoding ends early: 8 bytes wanted, 7 left"},
		{"a long meta", g, change("m", func(c *Change) { c.Value = append(c.Value, 0) }), damaged + "1 bytes are left over after the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries := s.Entries()
			if c.edit != nil {
				entries = c.edit(entries)
			}
			_, err := Load(c.genesis, each(slices.All(entries)))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("the error is\n  %v\nwant\n  %s", err, c.want)
			}
		})
	}
	broken := errors.New("the disk is gone")
	if _, err := Load(g, func(func(key, value []byte) error) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("the store's error becomes %v", err)
	}
}

// TestGoldenState pins every byte of a small state, and its digest.
func TestGoldenState(t *testing.T) {
	_, s := lively(t)
	var out strings.Builder
	for _, e := range s.Entries() {
		writeEntry(&out, e)
	}
	out.WriteString("digest " + s.Digest().String() + "\n")
	path := filepath.Join("testdata", "state.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the state is\n%s\nwant, from %s (go test -update writes it anew),\n%s", &out, path, want)
	}
}

func writeEntry(out *strings.Builder, e Change) {
	fmt.Fprintf(out, "%x %x\n", e.Key, e.Value)
}

// A stored state tells its height, whosever it is, or what is wrong with it.
func TestStoredHeight(t *testing.T) {
	_, s := lively(t)
	each := func(list []Change) func(func(key, value []byte) error) error {
		return func(yield func(key, value []byte) error) error {
			for _, c := range list {
				if err := yield(c.Key, c.Value); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if height, err := StoredHeight(each(s.Entries())); err != nil || height != s.Height() {
		t.Errorf("height %d, want %d: %v", height, s.Height(), err)
	}
	broken := errors.New("broken")
	for want, walk := range map[string]func(func(key, value []byte) error) error{
		"it does not tell its height": each(nil),
		"the stored state is damaged": each([]Change{{Key: []byte{metaKey}, Value: []byte{1}}}),
		"broken":                      func(func(key, value []byte) error) error { return broken },
	} {
		if _, err := StoredHeight(walk); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
