package ledger

import (
	"errors"
	"slices"
	"testing"
)

// A stored state that differs in any one entry is found, and so is one with an
// entry more or less.
func TestCompare(t *testing.T) {
	_, s := lively(t)
	entries := s.Entries()
	compare := func(list []Change) error {
		return s.Compare(func(yield func(key, value []byte) error) error {
			for _, e := range list {
				if err := yield(e.Key, e.Value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := compare(entries); err != nil {
		t.Fatal(err)
	}
	differs := func(what string, list []Change) {
		t.Helper()
		var d *Difference
		if err := compare(list); !errors.As(err, &d) || d.Expected == d.Found {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i, e := range entries {
		less := slices.Delete(slices.Clone(entries), i, i+1)
		differs("without "+nameEntry(e.Key), less)
		for at := range e.Value {
			other := slices.Clone(entries)
			other[i].Value = slices.Clone(e.Value)
			other[i].Value[at] ^= 1
			differs("another "+nameEntry(e.Key), other)
		}
		for at := range e.Key {
			other := slices.Clone(entries)
			other[i].Key = slices.Clone(e.Key)
			other[i].Key[at] ^= 1
			differs("moved "+nameEntry(e.Key), other)
		}
	}
	differs("one more", append(slices.Clone(entries), Change{Key: []byte("z"), Value: []byte{1}}))
	broken := errors.New("broken")
	if err := s.Compare(func(func(_, _ []byte) error) error { return broken }); err != broken {
		t.Errorf("a disk that fails: %v", err)
	}
}

func TestDifferenceSaysWhat(t *testing.T) {
	_, s := lively(t)
	for _, e := range s.Entries() {
		if e.Key[0] != accountKey {
			continue
		}
		value := slices.Clone(e.Value)
		value[7]++
		err := s.Compare(func(yield func(_, _ []byte) error) error { return yield(e.Key, value) })
		if want := "the stored account 0000000100000000000000000000000000000000000000000000000000000000 is another than the blocks lead to: expected balance 3, nonce 0, found balance 4, nonce 0"; err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		return
	}
}
