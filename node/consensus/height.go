package consensus

import "github.com/posnet/posnet/node/types"

func (c *Core) onNewHeight(e NewHeight) {
	n := e.Validators.Len()
	c.heightState = heightState{
		height: e.Height, validators: e.Validators, order: e.Order, me: -1,
		lockedRound: types.NoRound, validRound: types.NoRound, polRound: types.NoRound,
		ownHighest: types.NoRound, slowest: types.NoRound,
		highest: make([]int64, n), far: make([]farVotes, n),
		candidates: make([]types.Verified[*types.Candidate], n),
	}
	if i, ok := e.Validators.Find(c.self); ok {
		c.me = i
	}
	for i := range c.highest {
		c.highest[i] = types.NoRound
	}
	c.beginHeight(e)
}

func (c *Core) beginHeight(e NewHeight) {
	beatSet := c.armed[BeatTimer] // it beats on over heights
	c.armed = [TimerKinds]bool{BeatTimer: beatSet}
	c.beat.moved = true
	if !beatSet {
		c.setBeat(false)
	}
	c.step = StepIdle
	if e.Wait > 0 {
		c.step = StepWait
		c.setTimer(WaitTimer, 0, e.Wait)
	}
	for _, own := range e.Resume {
		c.dispatch(own)
	}
	for _, early := range c.early.take(e.Height) {
		c.dispatch(early)
	}
}

func (c *Core) onTimeoutWait() {
	if c.step == StepWait {
		c.step = StepIdle
	}
}

// tryBegin gets the height under way once somebody has a candidate. After a
// restart it goes on in the highest round the node has signed anything in.
func (c *Core) tryBegin() bool {
	if c.step != StepIdle || !c.stirred && !(c.ready && c.maySign()) {
		return false
	}
	if !c.beat.fast {
		c.setBeat(true)
	}
	c.fresh = false
	c.startRound(max(c.ownHighest, c.reached(0)))
	return true
}

// tryDecide is line 49: a quorum of precommits for a block in any round ends
// the height, at any time, be the proposal here or not.
func (c *Core) tryDecide() bool {
	if c.decision == nil || c.step == StepDecided {
		return false
	}
	certificate := types.Certificate{Height: c.height, Round: uint32(c.decision.number), Block: c.decided}
	for _, v := range c.decision.precommits.votesFor(c.decided) {
		certificate.Signatures = append(certificate.Signatures,
			types.CertificateSignature{Validator: v.Value().Validator, Signature: v.Value().Signature})
	}
	c.step = StepDecided
	c.do(Decide{Certificate: certificate})
	return true
}

// Messages of the next height come early when others commit sooner. Of each
// validator so many are kept: what one sends in its first rounds, and no more
// than one proposal, the only message that is large.
const (
	earlyPerValidator = 16
	earlyTotal        = earlyPerValidator * types.MaxValidators
)

// earlyEvents are messages of the height after the one at work.
type earlyEvents struct {
	height   uint64
	events   []Event
	count    map[types.PublicKey]int
	proposal map[types.PublicKey]bool
}

// keep takes an event in if it is of the height wanted and there is room.
func (b *earlyEvents) keep(wanted, height uint64, from types.PublicKey, e Event) {
	if height != wanted {
		return
	}
	if b.height != wanted {
		*b = earlyEvents{height: wanted, count: map[types.PublicKey]int{}, proposal: map[types.PublicKey]bool{}}
	}
	if b.count[from] >= earlyPerValidator || len(b.events) >= earlyTotal {
		return
	}
	if _, ok := e.(ProposalArrived); ok {
		if b.proposal[from] {
			return
		}
		b.proposal[from] = true
	}
	b.count[from]++
	b.events = append(b.events, e)
}

// take hands out what is kept for a height and forgets the rest.
func (b *earlyEvents) take(height uint64) []Event {
	events := b.events
	if b.height != height {
		events = nil
	}
	*b = earlyEvents{}
	return events
}
