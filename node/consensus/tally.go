package consensus

import "github.com/posnet/posnet/node/types"

// tally counts the votes of one kind in one round. Stake is counted per block:
// one that votes for two blocks counts for both, as in the paper, where a
// quorum is a set of messages; the proof of safety allows for that. Were only
// the first vote counted, an equivocator could make a quorum that one node saw
// impossible to see for another.
type tally struct {
	set    *types.ValidatorSet
	voters []voter // by validator index
	stake  uint64  // of all who voted
	blocks []blockStake
	best   uint64 // the most stake any block has, nil not counted
}

type voter struct {
	votes    []types.Verified[*types.Vote] // distinct blocks, in order of arrival
	reported bool                          // as evidence
}

type blockStake struct {
	block types.Hash
	stake uint64
}

func newTally(set *types.ValidatorSet) tally {
	return tally{set: set, voters: make([]voter, set.Len())}
}

// add counts the vote of the validator at index. A second vote, for another
// block, is evidence; it is counted only if known says that its block matters,
// so that nobody can fill the memory with votes for made-up blocks.
func (t *tally) add(index int, vote types.Verified[*types.Vote], known bool) (counted bool, evidence *types.Evidence) {
	v, w := vote.Value(), &t.voters[index]
	for _, earlier := range w.votes {
		if earlier.Value().Block == v.Block {
			return false, nil
		}
	}
	stake := t.set.At(index).Stake
	if len(w.votes) == 0 {
		t.stake += stake
	} else {
		if !w.reported {
			w.reported = true
			evidence = &types.Evidence{First: *w.votes[0].Value(), Second: *v}
		}
		if !known {
			return false, evidence
		}
	}
	w.votes = append(w.votes, vote)
	t.count(v.Block, stake)
	return true, evidence
}

func (t *tally) count(block types.Hash, stake uint64) {
	for i := range t.blocks {
		if t.blocks[i].block == block {
			stake += t.blocks[i].stake
			t.blocks[i].stake = stake
			t.raise(block, stake)
			return
		}
	}
	t.blocks = append(t.blocks, blockStake{block, stake})
	t.raise(block, stake)
}

func (t *tally) raise(block types.Hash, stake uint64) {
	if !block.IsZero() {
		t.best = max(t.best, stake)
	}
}

// quorumFor reports whether a quorum voted for the block; zero: for nil.
func (t *tally) quorumFor(block types.Hash) bool {
	for _, b := range t.blocks {
		if b.block == block {
			return t.set.IsQuorum(b.stake)
		}
	}
	return false
}

// quorumBlock returns the block that has a quorum, if there is one. While less
// than a third of the stake misbehaves there are never two.
func (t *tally) quorumBlock() (types.Hash, bool) {
	if !t.set.IsQuorum(t.best) {
		return types.Hash{}, false
	}
	for _, b := range t.blocks {
		if !b.block.IsZero() && t.set.IsQuorum(b.stake) {
			return b.block, true
		}
	}
	return types.Hash{}, false
}

// quorumAny reports whether a quorum voted, for whatever.
func (t *tally) quorumAny() bool { return t.set.IsQuorum(t.stake) }

// hopeless reports whether a quorum voted and no block will have a quorum, even
// if all who have not voted vote for the same. Were less than a quorum enough,
// a validator that is needed for every quorum could run away through the rounds
// by itself, and nobody would follow.
func (t *tally) hopeless() bool {
	return t.quorumAny() && !t.set.IsQuorum(t.best+t.set.Total()-t.stake)
}

// votesFor returns the votes for a block, in the order of the keys.
func (t *tally) votesFor(block types.Hash) []types.Verified[*types.Vote] {
	var out []types.Verified[*types.Vote]
	for i := range t.voters {
		for _, v := range t.voters[i].votes {
			if v.Value().Block == block {
				out = append(out, v)
			}
		}
	}
	return out
}

// bitmap returns who voted.
func (t *tally) bitmap() (b Bitmap) {
	for i := range t.voters {
		if len(t.voters[i].votes) > 0 {
			b.Set(i)
		}
	}
	return b
}

// bitmapFor returns who voted for a block.
func (t *tally) bitmapFor(block types.Hash) (b Bitmap) {
	for i := range t.voters {
		for _, v := range t.voters[i].votes {
			if v.Value().Block == block {
				b.Set(i)
			}
		}
	}
	return b
}
