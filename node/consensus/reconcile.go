package consensus

import "github.com/posnet/posnet/node/types"

// Messages get lost with links and restarts. At each beat at which nothing has
// moved, a node tells all others what it has; they send what it lacks.

const (
	// answerLimit is how many messages one summary is answered with at most:
	// the rest comes with the next.
	answerLimit = 256
	// A peer is answered so often between two own beats, the short and the long
	// ones: twice as often as it has reason to ask.
	answersUnderWay = 2
	answersIdle     = 2 * int(beatIdle/beatUnderWay)
	// answeredPeers bounds the peers remembered between two beats.
	answeredPeers = 4 * types.MaxValidators
)

// beatState is what the beats need to know. They go on over heights.
type beatState struct {
	count    uint32
	fast     bool // whether the beat set last is the short one
	moved    bool // something moved since the last beat
	skipped  int
	answered map[types.PublicKey]int // answers to each peer since the last beat
}

func (c *Core) setBeat(fast bool) {
	c.beat.count++
	c.beat.fast = fast
	after := beatIdle
	if fast {
		after = beatUnderWay
	}
	c.setTimer(BeatTimer, int64(c.beat.count), after)
}

func (c *Core) onBeat() {
	if c.beat.moved && c.beat.skipped < beatsSkipped {
		c.beat.skipped++
	} else {
		c.beat.skipped = 0
		c.do(SendSummary{Summary: c.summary()})
	}
	c.beat.moved = false
	clear(c.beat.answered)
	c.setBeat(c.underWay())
}

// summary tells what this node has of the height at work.
func (c *Core) summary() Summary {
	s := Summary{Height: c.height, Round: uint32(c.round), Wanted: c.wanted(), POLRound: types.NoRound}
	for i := range c.candidates {
		if c.candidates[i].Value() != nil {
			s.Candidates.Set(i)
		}
	}
	if r := c.findRound(c.round); r != nil {
		if p := r.proposed(); p != nil {
			s.Proposal = p.Block()
		}
		s.Passed = r.pass.Value() != nil
		s.Prevotes, s.Precommits = r.prevotes.bitmap(), r.precommits.bitmap()
	}
	if b, round := c.unjustified(); b != nil {
		s.POLRound, s.POLBlock = round, b.hash
		s.POLPrevotes = c.openRound(round).prevotes.bitmapFor(b.hash)
	}
	return s
}

// wanted returns a block that a quorum prevoted, or that this node is locked
// on, and whose proposal is not here; zero if there is none.
func (c *Core) wanted() types.Hash {
	switch {
	case c.polRound > c.validRound && c.findBlock(c.polBlock) == nil:
		return c.polBlock
	case c.lockedRound > c.validRound && c.findBlock(c.lockedBlock) == nil:
		return c.lockedBlock
	}
	return types.Hash{}
}

// unjustified returns a block, and the round named as its valid round, for
// which the quorum of prevotes is not here: one proposed again in this round,
// or an own lock taken up after a restart.
func (c *Core) unjustified() (*block, int64) {
	lacks := func(round int64, b *block) bool {
		return b != nil && !c.openRound(round).prevotes.quorumFor(b.hash)
	}
	if r := c.findRound(c.round); r != nil {
		if p := r.proposed(); p != nil && p.ValidRound >= 0 && lacks(p.ValidRound, c.findBlock(p.Block())) {
			return c.findBlock(p.Block()), p.ValidRound
		}
	}
	if lacks(c.validRound, c.validBlock) {
		return c.validBlock, c.validRound
	}
	return nil, 0
}

func (c *Core) onSummary(e SummaryArrived) {
	s := e.Summary
	switch {
	case c.height == 0 || e.From == c.self:
	case s.Height > c.height+1 || s.Height > c.height && c.step != StepDecided:
		c.do(Behind{From: e.From, Height: s.Height})
	case s.Height > c.height || !c.mayAnswer(e.From):
	case s.Height < c.height:
		c.do(SendTo{To: e.From, Message: c.summary()}) // it learns that it is behind
	default:
		c.answer(e.From, &s)
	}
}

// mayAnswer limits how often a peer is answered.
func (c *Core) mayAnswer(to types.PublicKey) bool {
	limit := answersIdle
	if c.beat.fast {
		limit = answersUnderWay
	}
	if c.beat.answered == nil {
		c.beat.answered = map[types.PublicKey]int{}
	}
	if c.beat.answered[to] >= limit || len(c.beat.answered) >= answeredPeers {
		return false
	}
	c.beat.answered[to]++
	return true
}

// answer sends a peer what it lacks. If this node has missed that the height
// is under way, it asks in its turn.
func (c *Core) answer(to types.PublicKey, s *Summary) {
	messages := c.lacking(s)
	for _, m := range messages[:min(len(messages), answerLimit)] {
		c.do(SendTo{To: to, Message: m})
	}
	if (c.step == StepWait || c.step == StepIdle) && s.busy() {
		c.do(SendTo{To: to, Message: c.summary()})
	}
}

// busy reports whether the height is under way where the summary comes from.
func (s *Summary) busy() bool {
	idle := Summary{Height: s.Height, POLRound: types.NoRound}
	return *s != idle
}

// lacking returns the messages that are here and not where the summary comes
// from, the most urgent first.
func (c *Core) lacking(s *Summary) []any {
	var out []any
	if b := c.findBlock(s.Wanted); b != nil {
		out = append(out, b.proposal.Value())
	}
	if r := c.findRound(int64(s.Round)); r != nil {
		out = append(out, r.offer(s)...)
	}
	if r := c.findRound(s.POLRound); r != nil {
		for _, v := range r.prevotes.votesFor(s.POLBlock) {
			if i, ok := c.validators.Find(v.Value().Validator); ok && !s.POLPrevotes.Has(i) {
				out = append(out, v.Value())
			}
		}
	}
	for i := range c.candidates {
		if m := c.candidates[i].Value(); m != nil && !s.Candidates.Has(i) {
			out = append(out, m)
		}
	}
	return append(out, c.offerLater(s)...)
}

// offer returns the messages of the round at which a peer is that it lacks.
func (r *round) offer(s *Summary) []any {
	var out []any
	if p := r.proposed(); p != nil && s.Proposal.IsZero() {
		out = append(out, p)
	}
	if m := r.pass.Value(); m != nil && !s.Passed {
		out = append(out, m)
	}
	out = append(out, r.prevotes.except(&s.Prevotes)...)
	return append(out, r.precommits.except(&s.Precommits)...)
}

// except returns the votes of all validators but those in the bitmap.
func (t *tally) except(has *Bitmap) []any {
	var out []any
	for i := range t.voters {
		if has.Has(i) {
			continue
		}
		for _, v := range t.voters[i].votes {
			out = append(out, v.Value())
		}
	}
	return out
}

// offerLater returns the votes of the round at work here, if that is a later
// one than the peer's, so that it can skip, and those that decided the height.
func (c *Core) offerLater(s *Summary) []any {
	var out []any
	theirs := int64(s.Round)
	if c.decision != nil && c.decision.number != theirs {
		for _, v := range c.decision.precommits.votesFor(c.decided) {
			out = append(out, v.Value())
		}
	}
	if r := c.findRound(c.round); r != nil && c.round > theirs {
		out = append(out, r.prevotes.except(&Bitmap{})...)
		out = append(out, r.precommits.except(&Bitmap{})...)
	}
	return out
}
