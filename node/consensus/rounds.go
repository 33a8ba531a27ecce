package consensus

import (
	"slices"

	"github.com/posnet/posnet/node/types"
)

// Rounds are kept whole within a window around the current one. Whatever lies
// outside is not needed: who is further ahead than that is caught up with by
// skipping (line 55), for which one number per validator is enough; what an
// old round decided is known to whoever decided, and fetched from there.
const (
	roundsAhead = 16
	roundsPast  = 16
)

// round is what is known of one round.
type round struct {
	number     int64
	proposal   types.Verified[*types.Proposal] // the first by the round's proposer
	pass       types.Verified[*types.Pass]     // by the round's proposer
	prevotes   tally
	precommits tally
	own        ownRound
	timed      [TimerKinds]bool // lines 34 and 47: "for the first time"
	asked      bool             // the proposer was asked for the prevotes of the valid round
}

// ownRound is what this node was asked to sign, or is known to have signed, in
// a round: never is anything asked twice.
type ownRound struct {
	proposal, pass, prevote, precommit bool
}

func (r *round) votes(kind types.VoteKind) *tally {
	if kind == types.Prevote {
		return &r.prevotes
	}
	return &r.precommits
}

// proposed returns the round's proposal, or nil.
func (r *round) proposed() *types.Proposal { return r.proposal.Value() }

// block is a proposed block and what is known of it.
type block struct {
	hash     types.Hash
	proposal types.Verified[*types.Proposal] // any that bears the block
	verdict  verdict
	asked    int64 // the round in which CheckBlock was asked last
}

type verdict uint8

const (
	unchecked verdict = iota
	checking
	valid
	invalid
)

// farVotes is what is kept of a validator whose rounds are beyond the window:
// its votes of the highest.
type farVotes struct {
	round int64
	votes []types.Verified[*types.Vote] // at most one of each kind
}

// findRound returns a round that is kept, or nil.
func (c *Core) findRound(number int64) *round {
	i, ok := c.searchRound(number)
	if !ok {
		return nil
	}
	return c.rounds[i]
}

func (c *Core) searchRound(number int64) (int, bool) {
	return slices.BinarySearchFunc(c.rounds, number, func(r *round, n int64) int { return int(r.number - n) })
}

// nearRound returns a round that is kept or within the window, or nil. While a
// restarted node is not in its highest round again, there is a window there too.
func (c *Core) nearRound(number int64) *round {
	for _, center := range [...]int64{c.round, max(c.round, c.ownHighest)} {
		if number >= center-roundsPast && number <= center+roundsAhead {
			return c.openRound(number)
		}
	}
	return c.findRound(number)
}

// openRound returns a round, wherever it lies.
func (c *Core) openRound(number int64) *round {
	i, ok := c.searchRound(number)
	if !ok {
		r := &round{number: number, prevotes: newTally(c.validators), precommits: newTally(c.validators)}
		c.rounds = slices.Insert(c.rounds, i, r)
	}
	return c.rounds[i]
}

// current returns the round at work.
func (c *Core) current() *round { return c.openRound(c.round) }

// forgetRounds drops what lies before the window, but for the rounds that
// justify a lock, a valid value or a proposal.
func (c *Core) forgetRounds() {
	needed := []int64{c.lockedRound, c.validRound, c.polRound}
	for _, r := range c.rounds {
		if p := r.proposed(); p != nil && r.number >= c.round-roundsPast {
			needed = append(needed, p.ValidRound)
		}
	}
	c.rounds = slices.DeleteFunc(c.rounds, func(r *round) bool {
		return r.number < c.round-roundsPast && !slices.Contains(needed, r.number)
	})
	c.blocks = slices.DeleteFunc(c.blocks, func(b *block) bool { return !c.needsBlock(b) })
}

func (c *Core) needsBlock(b *block) bool {
	if b == c.validBlock || b.hash == c.lockedBlock || b.hash == c.polBlock {
		return true
	}
	return slices.ContainsFunc(c.rounds, func(r *round) bool {
		p := r.proposed()
		return p != nil && p.Block() == b.hash
	})
}

// findBlock returns a block whose proposal is here, or nil.
func (c *Core) findBlock(hash types.Hash) *block {
	for _, b := range c.blocks {
		if b.hash == hash {
			return b
		}
	}
	return nil
}

// keepFar keeps a vote beyond the window, of each validator those of its
// highest round.
func (c *Core) keepFar(index int, vote types.Verified[*types.Vote]) {
	v, far := vote.Value(), &c.far[index]
	if int64(v.Round) < c.round || int64(v.Round) < far.round {
		return
	}
	if int64(v.Round) > far.round {
		*far = farVotes{round: int64(v.Round)}
	}
	if !slices.ContainsFunc(far.votes, func(w types.Verified[*types.Vote]) bool { return w.Value().Kind == v.Kind }) {
		far.votes = append(far.votes, vote)
	}
}

// countFar counts the votes that the window has reached.
func (c *Core) countFar() {
	for i := range c.far {
		if far := c.far[i]; len(far.votes) > 0 && far.round <= c.round+roundsAhead {
			c.far[i] = farVotes{}
			for _, v := range far.votes {
				c.countVote(i, v)
			}
		}
	}
}
