package ledger

import (
	"slices"
	"testing"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzLoad changes one entry of a stored state: the state is refused, or it is
// one that is stored in just these entries, and can go on.
func FuzzLoad(f *testing.F) {
	g, s := lively(f)
	entries := s.Entries()
	for i, e := range entries {
		f.Add(uint16(i), e.Key, e.Value)
		f.Add(uint16(i), e.Key[:1], e.Value[:len(e.Value)/2])
	}
	f.Fuzz(func(t *testing.T, at uint16, key, value []byte) {
		changed := slices.Clone(entries)
		changed[int(at)%len(changed)] = Change{Key: key, Value: value}
		slices.SortFunc(changed, func(a, b Change) int { return slices.Compare(a.Key, b.Key) })
		changed = slices.CompactFunc(changed, func(a, b Change) bool { return slices.Equal(a.Key, b.Key) })
		size := 0
		for _, e := range changed {
			size += len(e.Key) + len(e.Value)
		}
		var loaded *State
		var err error
		fuzzed.Memory(t, size, func() { loaded, err = Load(g, each(slices.All(changed))) })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		if got := loaded.Entries(); !slices.EqualFunc(got, changed, equalChange) {
			t.Errorf("entry %d as %x = %x is taken, and stored as others", at, key, value)
		}
		if loaded.Digest() == s.Digest() && !slices.EqualFunc(changed, entries, equalChange) {
			t.Errorf("entry %d as %x = %x does not change the digest", at, key, value)
		}
	})
}

// FuzzOutline reads arbitrary bytes as the outline of a state: it has a part at
// least, and its root changes with every byte.
func FuzzOutline(f *testing.F) {
	part := append([]byte{outlinePart}, make([]byte, 32)...)
	f.Add(part)
	f.Add(slices.Concat([]byte{outlineInner, 3}, part, []byte{outlineInner, 9}, part, part))
	f.Add(slices.Concat([]byte{outlineInner, 3, outlineInner, 3}, part, part, part))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var o *Outline
		var err error
		fuzzed.Memory(t, len(raw), func() { o, err = DecodeOutline(raw) })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		if o.Parts() < 1 || o.Parts() > len(raw)/33 {
			t.Errorf("%x has %d parts", raw, o.Parts())
		}
		for i := range raw {
			other := slices.Clone(raw)
			other[i]++
			if changed, err := DecodeOutline(other); err == nil && changed.Root() == o.Root() {
				t.Fatalf("%x and %x are of one state", raw, other)
			}
		}
	})
}

// FuzzRecords lets any record act on a state, as it may stand in a block: what
// is refused is refused in a sentence, and what is accepted leaves balances that
// are together what was minted.
func FuzzRecords(f *testing.F) {
	g, s := lively(f)
	for _, r := range []types.VerifiedRecord{
		pay(keyed(carol), keyed(dave), 5, 1), pay(keyed(carol), keyed(carol), 5, 1), mint(open(dave), 7, 9), reading(keyed(carol), 60, 1),
		stake(carol, "carol", 9, 1), stake(alice, "alice", 0, 1), entry(frank, bob, 10, 81, 1), leave(frank, 1),
	} {
		f.Add(r.Record().Raw())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := types.DecodeRecord(raw)
		if err != nil {
			return
		}
		trial := s.Begin(s.Height()+1, key(alice), key(alice))
		err = trial.Apply(types.VouchRecord(r))
		fuzzed.Sentence(t, err)
		delta, wrong := trial.Finish(output(trial.Height()))
		if wrong != nil {
			t.Fatalf("after %+v, %v, the block is not to be finished: %v", r, err, wrong)
		}
		if err != nil {
			return
		}
		loaded := replay(t, g, s.Entries()) // which checks the sum of a state
		loaded.Commit(deltaOn(t, loaded, r, delta))
		replay(t, g, loaded.Entries())
	})
}

// deltaOn makes the delta of a record anew, on another state that is the same.
func deltaOn(t *testing.T, s *State, r *types.Record, same *Delta) *Delta {
	t.Helper()
	trial := s.Begin(s.Height()+1, key(alice), key(alice))
	if err := trial.Apply(types.VouchRecord(r)); err != nil {
		t.Fatalf("a state that was loaded refuses: %v", err)
	}
	delta, err := trial.Finish(output(trial.Height()))
	if err != nil || delta.seed != same.seed || delta.reward != same.reward {
		t.Fatalf("a state that was loaded does otherwise: %v", err)
	}
	return delta
}
