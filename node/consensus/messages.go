package consensus

import "github.com/posnet/posnet/node/types"

// atWork reports whether a message of a validator concerns the height at work,
// and returns the validator's index. A message of the next height is kept.
func (c *Core) atWork(height uint64, from types.PublicKey, e Event) (int, bool) {
	if c.height == 0 {
		return 0, false
	}
	if height != c.height {
		c.early.keep(c.height+1, height, from, e)
		return 0, false
	}
	if c.step == StepDecided {
		return 0, false
	}
	return c.validators.Find(from)
}

// heard remembers in how high a round a validator is, for line 55.
func (c *Core) heard(index int, round int64) {
	c.highest[index] = max(c.highest[index], round)
	if index == c.me {
		c.ownHighest = max(c.ownHighest, round)
	}
}

func (c *Core) onProposal(e ProposalArrived) {
	p := e.Proposal.Value()
	if p == nil {
		return
	}
	i, ok := c.atWork(p.Height, p.Validator, e)
	if !ok || !c.acceptable(p) {
		return
	}
	c.heard(i, int64(p.Round))
	c.stirred = true
	if p.Block() == c.wanted() {
		c.learnBlock(e.Proposal)
	}
	r := c.nearRound(int64(p.Round))
	if r == nil || r.proposed() != nil {
		return
	}
	r.proposal = e.Proposal
	r.own.proposal = r.own.proposal || i == c.me
	c.learnBlock(e.Proposal)
	if p.ValidRound != types.NoRound {
		c.openRound(p.ValidRound)
	}
	if late := r.number < c.round || r.number == c.round && c.step > StepPropose; late && c.underWay() {
		c.check(c.findBlock(p.Block())) // it may get its quorum yet
	}
}

// acceptable checks that the proposal is the right validator's, and its block
// one that was due in the round it was made in. Signature and form were
// checked; the rest is for CheckBlock.
func (c *Core) acceptable(p *types.Proposal) bool {
	h := &p.Header
	fresh := p.ValidRound == types.NoRound && h.Round == p.Round
	again := p.ValidRound >= 0 && p.ValidRound < int64(p.Round) && int64(h.Round) <= p.ValidRound
	made := c.turn(int64(h.Round))
	return (fresh || again) && c.turn(int64(p.Round)).Proposer == p.Validator &&
		h.Height == c.height && h.Winner == made.Winner && h.Proposer == made.Proposer &&
		h.Validators == c.validators.Hash()
}

func (c *Core) learnBlock(p types.Verified[*types.Proposal]) {
	hash := p.Value().Block()
	if c.findBlock(hash) == nil {
		c.blocks = append(c.blocks, &block{hash: hash, proposal: p, asked: types.NoRound})
	}
}

func (c *Core) onVote(e VoteArrived) {
	v := e.Vote.Value()
	if v == nil || v.Kind != types.Prevote && v.Kind != types.Precommit {
		return
	}
	i, ok := c.atWork(v.Height, v.Validator, e)
	if !ok {
		return
	}
	c.stirred = true
	c.heard(i, int64(v.Round))
	if i == c.me {
		c.recall(v)
	}
	c.countVote(i, e.Vote)
}

// recall takes up an own vote: after a restart, what it binds this node to.
func (c *Core) recall(v *types.Vote) {
	round := int64(v.Round)
	if round >= c.round-roundsPast {
		own := &c.openRound(round).own
		own.prevote = own.prevote || v.Kind == types.Prevote
		own.precommit = own.precommit || v.Kind == types.Precommit
	}
	if v.Kind == types.Precommit && !v.Block.IsZero() && round > c.lockedRound {
		c.openRound(round)
		c.lockedBlock, c.lockedRound = v.Block, round
	}
}

// countVote counts a vote in its round, and notes the quorum it completes.
func (c *Core) countVote(index int, vote types.Verified[*types.Vote]) {
	v := vote.Value()
	r := c.nearRound(int64(v.Round))
	if r == nil {
		c.keepFar(index, vote)
		return
	}
	known := v.Block.IsZero() || v.Block == c.lockedBlock || c.findBlock(v.Block) != nil
	t := r.votes(v.Kind)
	counted, evidence := t.add(index, vote, known)
	if evidence != nil {
		c.do(ReportEvidence{Evidence: *evidence})
	}
	if !counted || v.Block.IsZero() || !t.quorumFor(v.Block) {
		return
	}
	switch {
	case v.Kind == types.Precommit && c.decision == nil:
		c.decision, c.decided = r, v.Block
	case v.Kind == types.Prevote && r.number > c.polRound:
		c.polBlock, c.polRound = v.Block, r.number
	}
}

func (c *Core) onCandidate(e CandidateArrived) {
	m := e.Candidate.Value()
	if m == nil {
		return
	}
	i, ok := c.atWork(m.Height, m.Validator, e)
	if !ok || c.candidates[i].Value() != nil {
		return
	}
	c.candidates[i] = e.Candidate
	c.stirred, c.fresh = true, true
	c.announced = c.announced || i == c.me
}

func (c *Core) onPass(e PassArrived) {
	m := e.Pass.Value()
	if m == nil {
		return
	}
	i, ok := c.atWork(m.Height, m.Validator, e)
	if !ok || c.turn(int64(m.Round)).Proposer != m.Validator {
		return
	}
	c.heard(i, int64(m.Round))
	if r := c.nearRound(int64(m.Round)); r != nil {
		r.pass = e.Pass
		r.own.pass = r.own.pass || i == c.me
	}
}

func (c *Core) onBlockChecked(e BlockChecked) {
	b := c.findBlock(e.Block)
	if b == nil || b.verdict != checking {
		return
	}
	b.verdict = invalid
	if e.Valid {
		b.verdict, c.sound = valid, true
	}
}

func (c *Core) onLinkChanged(e LinkChanged) {
	if !e.Up {
		c.down[e.Validator] = true
		return
	}
	delete(c.down, e.Validator)
	if c.height > 0 && e.Validator != c.self {
		c.do(SendTo{To: e.Validator, Message: c.summary()})
	}
}
