package consensus

import "time"

// The paces of the core. Timeouts follow from Config.ProposeTimeout.
const (
	// announceDelay is how long a candidate is kept back: under load the drawn
	// validator's proposal arrives within it, and spares everybody else a
	// signature and n messages.
	announceDelay = 5 * time.Millisecond

	// timeoutGrowth: each round that ran into a timeout adds a quarter of the
	// base, so that sooner or later every delay is waited out.
	timeoutGrowth = 4
	// voteShare: votes are small and need no execution, so they are waited for
	// a third as long as a proposal.
	voteShare = 3
	// maxTimeout bounds the growth: who comes back after an hour's cut is
	// waited for a minute at most.
	maxTimeout = time.Minute

	// The pause before an order begins again doubles from pauseBase to
	// pauseMax: short beside a human's patience at first, and a negligible load
	// for ever after.
	pauseBase = 100 * time.Millisecond
	pauseMax  = 5 * time.Second

	// beatUnderWay is how soon a lost message is missed while a height is under
	// way; beatIdle while nothing is expected.
	beatUnderWay = 250 * time.Millisecond
	beatIdle     = 2 * time.Second
	// beatsSkipped is how many beats in a row pass without a summary while the
	// height moves on by itself.
	beatsSkipped = 3
)

// timeout grows base with the rounds of this height that ran into a timeout.
// The paper counts all rounds; but a round that ends at once, by passes, says
// nothing about the network's delay, and there may be thousands of these.
func (c *Core) timeout(base time.Duration) time.Duration {
	limit := max(base, maxTimeout)
	extra := min(c.slow, int64(timeoutGrowth*(limit/max(base, 1))))
	return min(base+base/timeoutGrowth*time.Duration(extra), limit)
}

// pause returns how long to wait before an order begins again, when so many in
// a row, 1 and more, came to nothing.
func pause(barren int64) time.Duration {
	const doublings = 6 // pauseBase<<6 is more than pauseMax
	return min(pauseBase<<min(barren-1, doublings), pauseMax)
}

// setTimer asks for a timer; count tells it from others of its kind.
func (c *Core) setTimer(kind TimerKind, count int64, after time.Duration) {
	t := Timer{Kind: kind, Height: c.height, Count: uint32(count)}
	c.timers[kind], c.armed[kind] = t, true
	c.do(SetTimer{Timer: t, After: after})
}

// onTimer drops what was replaced, fired already or belongs to another height.
func (c *Core) onTimer(t Timer) {
	if int(t.Kind) >= TimerKinds || !c.armed[t.Kind] || c.timers[t.Kind] != t {
		return
	}
	c.armed[t.Kind] = false
	switch t.Kind {
	case WaitTimer:
		c.onTimeoutWait()
	case AnnounceTimer:
		c.onTimeoutAnnounce()
	case PauseTimer:
		c.onTimeoutPause()
	case ProposeTimer:
		c.onTimeoutPropose(int64(t.Count))
	case PrevoteTimer:
		c.onTimeoutPrevote(int64(t.Count))
	case PrecommitTimer:
		c.onTimeoutPrecommit(int64(t.Count))
	case BeatTimer:
		c.onBeat()
	}
}
