package verify_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// entry is what stands under a key of a folder's database.
type entry struct{ key, value []byte }

// kinds returns all entries by what they are: by the first byte of the key, and the
// second where the first says only for whom it is kept.
func kinds(t *testing.T, dir string) map[string][]entry {
	t.Helper()
	out := map[string][]entry{}
	rewrite(t, dir, func(db *pebble.DB) error {
		it, err := db.NewIter(nil)
		if err != nil {
			return err
		}
		for it.First(); it.Valid(); it.Next() {
			key := bytes.Clone(it.Key())
			kind := string(key[:1])
			if slices.Contains([]string{"a", "s"}, kind) {
				kind = string(key[:2])
			}
			out[kind] = append(out[kind], entry{key, bytes.Clone(it.Value())})
		}
		return it.Close()
	})
	return out
}

// rewrite changes the database of a folder, behind the back of the storage.
func rewrite(t *testing.T, dir string, change func(db *pebble.DB) error) {
	t.Helper()
	db, err := pebble.Open(filepath.Join(dir, "chain"), &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := change(db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// damages are what may happen to an entry.
func damages(e entry) map[string]func(db *pebble.DB) error {
	out := map[string]func(db *pebble.DB) error{
		"gone": func(db *pebble.DB) error { return db.Delete(e.key, pebble.NoSync) },
		"cut":  func(db *pebble.DB) error { return db.Set(e.key, e.value[:len(e.value)-1], pebble.NoSync) },
		"under another key": func(db *pebble.DB) error {
			other := bytes.Clone(e.key)
			other[len(other)-1] ^= 1 << 6
			if err := db.Set(other, e.value, pebble.NoSync); err != nil {
				return err
			}
			return db.Delete(e.key, pebble.NoSync)
		},
	}
	for _, at := range []int{0, len(e.value) / 2, len(e.value) - 1} {
		out[fmt.Sprintf("bit of byte %d", at)] = func(db *pebble.DB) error {
			value := bytes.Clone(e.value)
			value[at] ^= 1 << 2
			return db.Set(e.key, value, pebble.NoSync)
		}
	}
	return out
}

// spared reports whether nobody can know of the damage: that there was evidence, or
// what belonged to heights whose blocks are gone.
func spared(below uint64, kind, damage string) bool {
	return damage == "gone" && (kind == "ae" || below > 1 && (kind == "av" || kind == "ap"))
}

// Whatever in a folder is damaged that the blocks say something about, or that proves
// itself: it never passes.
func TestEveryKindDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		made  *forge.Chain
		below uint64
		kinds int
	}{
		"all blocks, and guests": {forge.Lively(), 1, 11},
		"the newest blocks":      {forge.Guestless(), 10, 11},
	} {
		t.Run(name, func(t *testing.T) {
			dir := prunedFolder(t, c.made, c.below)
			one := contradiction(c.made.Genesis.Network())
			change(t, c.made, dir, storage.Change{Key: heights.EvidenceKey(one), Value: one.Encode()})
			if r := verifiedFolder(t, c.made, dir, nil); r.Fault != nil {
				t.Fatal(r.Fault)
			}
			all := kinds(t, dir)
			if len(all) != c.kinds {
				t.Errorf("%d kinds of entries: the test is of %d", len(all), c.kinds)
			}
			for kind, list := range all {
				for _, e := range []entry{list[0], list[len(list)-1]} {
					for what, do := range damages(e) {
						if spared(c.below, kind, what) {
							continue
						}
						rewrite(t, dir, do)
						if !found(t, c.made, dir) {
							t.Errorf("kind %q, key %x: %s: it passes", kind, e.key, what)
						}
						rewrite(t, dir, func(db *pebble.DB) error {
							if what == "under another key" {
								other := bytes.Clone(e.key)
								other[len(other)-1] ^= 1 << 6
								if err := db.Delete(other, pebble.NoSync); err != nil {
									return err
								}
							}
							return db.Set(e.key, e.value, pebble.NoSync)
						})
					}
				}
			}
			if r := verifiedFolder(t, c.made, dir, nil); r.Fault != nil {
				t.Fatal("the test does not put things back: ", r.Fault)
			}
		})
	}
}

// found reports whether something is found to be wrong with a folder.
func found(t *testing.T, made *forge.Chain, dir string) bool {
	t.Helper()
	f, err := source.OpenFolder(dir)
	if err != nil {
		return true
	}
	defer f.Close()
	r, err := verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: f})
	return err != nil || r.Fault != nil
}

// contradiction is evidence against a validator of forged chains.
func contradiction(network types.Hash) *types.Evidence {
	vote := func(block string) types.Vote {
		v := types.Vote{Kind: types.Prevote, Height: 3, Block: types.SumHash([]byte(block)), Validator: forge.Key("bob").Public()}
		v.Signature = forge.Key("bob").Sign(v.SignBytes(network))
		return v
	}
	return &types.Evidence{First: vote("one"), Second: vote("another")}
}
