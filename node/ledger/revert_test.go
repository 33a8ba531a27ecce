package ledger

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// checkRevert takes a block back that a state was made by: it must then have the
// entries of before, if no guest had to do with it (plain);
// else it may also fail, or have another digest.
func checkRevert(t *rapid.T, after *State, b *types.Block, seed lottery.Seed, set *types.ValidatorSet, before []Change, plain bool) {
	err := after.Revert(b, seed, set)
	if plain && err != nil {
		t.Fatalf("the block cannot be taken back: %v", err)
	}
	if err != nil {
		return
	}
	same, digest := slices.EqualFunc(after.Entries(), before, equalChange), plainRoot(asMap(before))
	if same != (after.Digest() == digest) || plain && !same {
		t.Fatalf("the block taken back gives digest %s, want %s; the entries are the same: %v", after.Digest(), digest, same)
	}
}
