package consensus

import (
	"github.com/posnet/posnet/node/types"
)

// startRound is lines 11 to 21. An order that is used up begins again after a
// pause.
func (c *Core) startRound(round int64) {
	c.round, c.awaited, c.beat.moved = round, false, true
	c.forgetRounds()
	c.countFar()
	if round > 0 && round%int64(c.order.Len()) == 0 && !c.cutPause() {
		c.beginPause()
		return
	}
	c.beginPropose()
}

// beginPause waits before the order begins again: those who announced were all
// drawn and no block came of it. The pauses grow as long as there was not even
// a valid proposal. An own candidate that is not announced yet is news to the
// others, and spares them the pause.
func (c *Core) beginPause() {
	c.step = StepPause
	c.barren++
	if c.sound {
		c.barren = 1
	}
	c.sound = false
	if c.ready && !c.announced && c.maySign() {
		c.announce()
	}
	c.setTimer(PauseTimer, c.round, pause(c.barren))
}

// cutPause reports whether the pause is needless: a candidate came up since
// the order began, or others are in the round already.
func (c *Core) cutPause() bool {
	there := c.current().proposed() != nil || max(c.ownHighest, c.reached(c.round-1)) >= c.round
	if !there && !c.fresh {
		return false
	}
	c.fresh = false
	return true
}

func (c *Core) tryEndPause() bool {
	if c.step != StepPause || !c.cutPause() {
		return false
	}
	c.beginPropose()
	return true
}

func (c *Core) onTimeoutPause() {
	if c.step == StepPause {
		c.fresh = false
		c.beginPropose()
	}
}

// beginPropose waits for the proposal of whoever's turn it is. A step in which
// this node has voted already, before a restart, is over.
func (c *Core) beginPropose() {
	c.step = StepPropose
	if own := c.current().own; own.prevote || own.precommit {
		return
	}
	c.setTimer(ProposeTimer, c.round, c.timeout(c.proposeTimeout))
	if c.ownTurn() {
		c.propose()
	}
}

func (c *Core) ownTurn() bool { return c.turn(c.round).Proposer == c.self }

// propose is lines 14 to 19: a valid value is proposed again, with or without
// an own candidate; else a block is built.
func (c *Core) propose() {
	own := &c.current().own
	if !c.maySign() || own.proposal || own.pass {
		return
	}
	if c.validBlock == nil {
		c.awaited = true
		c.do(BuildBlock{Height: c.height, Round: uint32(c.round), Winner: c.turn(c.round).Winner})
		return
	}
	if c.validRound >= c.round {
		return // this round's own proposal, made before a restart, has its quorum
	}
	old := c.validBlock.proposal.Value()
	c.signProposal(&types.Proposal{
		Height: c.height, Round: uint32(c.round), ValidRound: c.validRound,
		Header: old.Header, RecordIDs: old.RecordIDs, Validator: c.self,
	})
}

func (c *Core) onBlockBuilt(e BlockBuilt) {
	if e.Height != c.height || int64(e.Round) != c.round || c.step != StepPropose || !c.awaited {
		return
	}
	c.awaited = false
	switch {
	case c.validBlock != nil: // it became known meanwhile
		c.propose()
	case e.Block == nil:
		c.signPass()
	default:
		p := &types.Proposal{
			Height: e.Height, Round: e.Round, ValidRound: types.NoRound,
			Header: *e.Block, RecordIDs: e.RecordIDs, Validator: c.self,
		}
		if !c.acceptable(p) { // no peer would take it
			c.signPass()
			return
		}
		c.signProposal(p)
	}
}

func (c *Core) signProposal(p *types.Proposal) {
	if c.maySign() {
		c.current().own.proposal = true
		c.do(SignProposal{Proposal: p})
	}
}

func (c *Core) signPass() {
	if c.maySign() {
		c.current().own.pass = true
		c.do(SignPass{Height: c.height, Round: uint32(c.round)})
	}
}

// trySkipRound is line 55: when more than a third of the stake is in later
// rounds, one honest validator is. An own message of a later round, from
// before a restart, counts by itself.
func (c *Core) trySkipRound() bool {
	if !c.underWay() {
		return false
	}
	target := max(c.ownHighest, c.reached(c.round))
	if target == c.round {
		return false
	}
	c.startRound(target)
	return true
}

// reached returns the highest round above floor that validators with more than
// a third of the stake have reached or passed, or floor if there is none. Line
// 55 counts messages of one round; that they may be of different rounds lets
// the slowest follow others who are not together themselves.
func (c *Core) reached(floor int64) int64 {
	for _, round := range c.highest {
		if round > floor && c.validators.IsBlocking(c.stakeFrom(round)) {
			floor = round
		}
	}
	return floor
}

// stakeFrom returns the stake of all who were heard of in a round or later.
func (c *Core) stakeFrom(round int64) (stake uint64) {
	for i, highest := range c.highest {
		if highest >= round {
			stake += c.validators.At(i).Stake
		}
	}
	return stake
}

// tryNextRound is lines 47 and 65. When the precommits are a quorum, and for nil
// or such that no block can have one any more, there is nothing to wait for.
func (c *Core) tryNextRound() bool {
	if !c.underWay() || c.step == StepPause {
		return false
	}
	r := c.current()
	if r.precommits.quorumFor(types.Hash{}) || r.precommits.hopeless() {
		c.startRound(c.round + 1)
		return true
	}
	if r.precommits.quorumAny() && !r.timed[PrecommitTimer] {
		r.timed[PrecommitTimer] = true
		c.setTimer(PrecommitTimer, c.round, c.timeout(c.proposeTimeout/voteShare))
	}
	return false
}

func (c *Core) onTimeoutPrecommit(round int64) {
	if c.underWay() && round == c.round {
		c.noteSlow()
		c.startRound(c.round + 1)
	}
}

// noteSlow counts the rounds that ran into a timeout.
func (c *Core) noteSlow() {
	if c.slowest != c.round {
		c.slowest = c.round
		c.slow++
	}
}
