package consensus

func (c *Core) onCandidateReady(e CandidateReady) {
	c.fresh = c.fresh || e.Ready && !c.ready
	c.ready = e.Ready
}

// tryAnnounce gets the announcement of an own candidate on its way.
func (c *Core) tryAnnounce() {
	if c.mayAnnounce() && !c.armed[AnnounceTimer] {
		c.setTimer(AnnounceTimer, 0, announceDelay)
	}
}

func (c *Core) onTimeoutAnnounce() {
	if c.mayAnnounce() {
		c.announce()
	}
}

// mayAnnounce reports whether there is something to announce: a proposal, a
// peer's or an own one, says it already.
func (c *Core) mayAnnounce() bool {
	return c.underWay() && c.ready && !c.announced && c.maySign() &&
		c.current().proposed() == nil && !c.proposing()
}

// proposing reports whether an own proposal of this round is being made.
func (c *Core) proposing() bool {
	return c.step == StepPropose && (c.awaited || c.ownTurn() && c.current().own.proposal)
}

func (c *Core) announce() {
	c.announced = true
	c.do(SignCandidate{Height: c.height})
}
