package consensus

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/posnet/posnet/node/types"
)

// Culprits names who broke the rules of agreement at one height, each with two
// votes that show it, whatever the order of the votes given. Either both are of one kind and round, for different
// blocks; or the first is a precommit for a block, and the second a prevote for
// another in a later round, though no quorum prevoted that other from the one
// round to the other: the lock was forgotten.
//
// The votes are all that honest validators signed or hold of the height, those
// of certificates included. Then nobody honest is named; and if two blocks have a
// certificate, while less than two thirds of the stake misbehave, more than a
// third of the stake is named. For behind an honest precommit there is a quorum
// of prevotes. Take the first round after that of the earlier certificate in
// which another block has one: more than a third of the stake both precommitted
// the one block and prevoted the other, and nothing allowed it.
func Culprits(set *types.ValidatorSet, votes []types.Vote) []types.Evidence {
	polls := countPolls(set, votes)
	var out []types.Evidence
	for i := range set.Len() {
		if e := polls.offence(set.At(i).Key); e != nil {
			out = append(out, *e)
		}
	}
	return out
}

// poll is one question put to the validators.
type poll struct {
	kind  types.VoteKind
	round uint32
	block types.Hash
}

// polls is the votes of one height, by validator and by poll.
type polls struct {
	set   *types.ValidatorSet
	of    map[types.PublicKey][]types.Vote // each once
	stake map[poll]uint64
}

func countPolls(set *types.ValidatorSet, votes []types.Vote) *polls {
	p := &polls{set: set, of: map[types.PublicKey][]types.Vote{}, stake: map[poll]uint64{}}
	type ballot struct {
		poll
		by types.PublicKey
	}
	seen := map[ballot]bool{}
	inOrder := slices.SortedFunc(slices.Values(votes), func(v, w types.Vote) int {
		return cmp.Or(cmp.Compare(v.Round, w.Round), cmp.Compare(v.Kind, w.Kind), bytes.Compare(v.Block[:], w.Block[:]))
	})
	for _, v := range inOrder {
		b := ballot{poll{v.Kind, v.Round, v.Block}, v.Validator}
		if by, ok := set.ByKey(v.Validator); ok && !seen[b] {
			seen[b] = true
			p.of[v.Validator] = append(p.of[v.Validator], v)
			p.stake[b.poll] += by.Stake
		}
	}
	return p
}

// offence returns two votes with which a validator broke a rule, or nil.
func (p *polls) offence(by types.PublicKey) *types.Evidence {
	own := p.of[by]
	for i, first := range own {
		for _, second := range own[i+1:] {
			if first.Kind == second.Kind && first.Round == second.Round {
				return &types.Evidence{First: first, Second: second}
			}
		}
		for _, second := range own {
			if p.forgets(first, second) {
				return &types.Evidence{First: first, Second: second}
			}
		}
	}
	return nil
}

// forgets reports whether the second vote is against the lock of the first.
func (p *polls) forgets(first, second types.Vote) bool {
	if first.Kind != types.Precommit || second.Kind != types.Prevote || second.Round <= first.Round ||
		first.Block.IsZero() || second.Block.IsZero() || first.Block == second.Block {
		return false
	}
	for q, stake := range p.stake { // in any order: one is enough
		if q.kind == types.Prevote && q.block == second.Block && q.round >= first.Round && q.round < second.Round && p.set.IsQuorum(stake) {
			return false
		}
	}
	return true
}
