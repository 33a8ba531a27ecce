package consensus

import "github.com/posnet/posnet/node/types"

// tryPrevote is lines 22 to 33.
func (c *Core) tryPrevote() bool {
	if c.step != StepPropose {
		return false
	}
	r := c.current()
	if r.own.prevote || r.own.precommit {
		c.step = StepPrevote
		return true
	}
	block, ok := c.choosePrevote(r)
	if ok {
		c.prevote(block)
	}
	return ok
}

// choosePrevote returns what to prevote, and whether that is known yet. The
// zero hash is nil.
func (c *Core) choosePrevote(r *round) (types.Hash, bool) {
	null := types.Hash{}
	p := r.proposed()
	switch {
	case r.prevotes.quorumFor(null):
		return null, true // no block can have a quorum beside it
	case p == nil:
		return null, c.nobodyProposes(r)
	case p.ValidRound >= 0 && !c.openRound(p.ValidRound).prevotes.quorumFor(p.Block()):
		c.askForPOL(r)
		return null, false // line 28 waits for the prevotes of the valid round
	case c.lockedRound > p.ValidRound && c.lockedBlock != p.Block():
		return null, true // lines 23 and 29: locked on another block
	}
	switch c.check(c.findBlock(p.Block())) {
	case valid:
		return p.Block(), true
	case invalid:
		return null, true
	}
	return null, false
}

// askForPOL asks the proposer, once, for the prevotes that justify proposing a
// block again; others will be asked with the next summary.
func (c *Core) askForPOL(r *round) {
	if p := r.proposed(); !r.asked && p.Validator != c.self {
		r.asked = true
		c.do(SendTo{To: p.Validator, Message: c.summary()})
	}
}

// nobodyProposes reports whether no proposal is to be expected: the proposer
// passed, or its link is down.
func (c *Core) nobodyProposes(r *round) bool {
	proposer := c.turn(r.number).Proposer
	return r.pass.Value() != nil || proposer != c.self && c.down[proposer]
}

// check returns the verdict on a block, and asks for it where there is none
// yet. The block may be nil.
func (c *Core) check(b *block) verdict {
	if b == nil {
		return unchecked
	}
	again := b.verdict == invalid && b.asked < c.round
	if b.verdict == unchecked || again {
		b.verdict, b.asked = checking, c.round
		c.do(CheckBlock{Proposal: b.proposal.Value()})
	}
	return b.verdict
}

func (c *Core) prevote(block types.Hash) {
	c.step, c.beat.moved = StepPrevote, true
	own := &c.current().own
	if c.maySign() && !own.prevote {
		own.prevote = true
		c.do(SignVote{Kind: types.Prevote, Height: c.height, Round: uint32(c.round), Block: block})
	}
}

// onTimeoutPropose is line 57.
func (c *Core) onTimeoutPropose(round int64) {
	if c.step == StepPropose && round == c.round {
		c.noteSlow()
		c.prevote(types.Hash{})
	}
}

// tryPrecommit is lines 34 to 46. When a quorum voted and no block can
// have a quorum any more, there is nothing to wait for.
func (c *Core) tryPrecommit() bool {
	if c.step != StepPrevote {
		return false
	}
	r := c.current()
	if r.own.precommit {
		c.step = StepPrecommit
		return true
	}
	if hash, ok := r.prevotes.quorumBlock(); ok && c.tryLock(hash) {
		return true
	}
	if r.prevotes.quorumFor(types.Hash{}) || r.prevotes.hopeless() {
		c.precommit(types.Hash{})
		return true
	}
	if r.prevotes.quorumAny() && !r.timed[PrevoteTimer] {
		r.timed[PrevoteTimer] = true
		c.setTimer(PrevoteTimer, c.round, c.timeout(c.proposeTimeout/voteShare))
	}
	return false
}

// tryLock is lines 36 to 43, for a block with a quorum of this round's
// prevotes: if it is here and valid, lock it and precommit.
func (c *Core) tryLock(hash types.Hash) bool {
	b := c.findBlock(hash)
	if c.check(b) != valid {
		return false
	}
	c.lockedBlock, c.lockedRound = hash, c.round
	c.validBlock, c.validRound = b, c.round
	c.precommit(hash)
	return true
}

func (c *Core) precommit(block types.Hash) {
	c.step, c.beat.moved = StepPrecommit, true
	own := &c.current().own
	if c.maySign() && !own.precommit {
		own.precommit = true
		c.do(SignVote{Kind: types.Precommit, Height: c.height, Round: uint32(c.round), Block: block, Lock: c.lock(block)})
	}
}

// lock collects what defends a precommit of this round for a block.
func (c *Core) lock(hash types.Hash) *Lock {
	b := c.findBlock(hash)
	if b == nil {
		return nil
	}
	return &Lock{Proposal: b.proposal, Prevotes: c.current().prevotes.votesFor(hash)}
}

// onTimeoutPrevote is line 61.
func (c *Core) onTimeoutPrevote(round int64) {
	if c.step == StepPrevote && round == c.round {
		c.noteSlow()
		c.precommit(types.Hash{})
	}
}

// tryValidBlock is lines 42 and 43 for all rounds: whatever round the prevotes
// are of and whenever they come, what has a quorum may be proposed again. The
// paper looks at the current round only; but rounds may end here before all
// prevotes are in.
func (c *Core) tryValidBlock() bool {
	if !c.underWay() {
		return false
	}
	if b := c.findBlock(c.polBlock); c.polRound > c.validRound && c.check(b) == valid {
		c.validBlock, c.validRound = b, c.polRound
		return true
	}
	// After a restart the lock alone is known; it was valid then.
	if b := c.findBlock(c.lockedBlock); c.lockedRound > c.validRound && b != nil {
		c.validBlock, c.validRound = b, c.lockedRound
		return true
	}
	return false
}

// onVotingAllowed acts from the present state: nil may be voted in any step
// that went by without an own vote, and so may what this round locked.
func (c *Core) onVotingAllowed(e VotingAllowed) {
	c.voting = e.Allowed
	if !c.maySign() || c.height == 0 {
		return
	}
	switch {
	case c.step == StepPropose && c.ownTurn() && !c.awaited:
		c.propose()
	case c.step == StepPrevote:
		c.prevote(types.Hash{})
	case c.step == StepPrecommit && c.lockedRound == c.round:
		c.precommit(c.lockedBlock)
	case c.step == StepPrecommit:
		c.precommit(types.Hash{})
	}
}
