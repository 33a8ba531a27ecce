package engine

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

const (
	// watchRounds is how many propose timeouts a validator that lost its disk
	// watches at most, once it is caught up: by then whatever it signed before is
	// long decided, unless the chain waits for this very validator.
	watchRounds = 10
	// watchHeights is how far above the newest block that a quorum tells of this
	// validator may have signed. At height h it signed only after a quorum had
	// precommitted block h-1, and was at block h-2 at least.
	watchHeights = 2
)

// watch keeps a validator silent whose sign log is new, until it cannot
// contradict what it may have signed before it lost its disk. In a network that
// has just begun there is nothing to contradict: once a quorum says that there
// is no block yet, everybody votes. It belongs to the main loop.
type watch struct {
	on      bool
	known   map[types.PublicKey]bool // who told their height
	highest uint64                   // the newest height at which it may have voted
	until   time.Time                // zero until a quorum was heard
}

// begin reports whether the validator has to watch.
func (w *watch) begin(e *Engine) bool {
	if !e.options.Data.SignLog.Fresh() {
		return false
	}
	e.watching.Store(true)
	w.on, w.known = true, map[types.PublicKey]bool{e.self: true}
	w.check(e)
	return w.on
}

// heard notes a peer's height. Those told after a quorum was heard grow with
// the chain and say nothing of the time before.
func (w *watch) heard(e *Engine, peer types.PublicKey, height uint64) {
	if !w.on {
		return
	}
	w.known[peer] = true
	if height > 0 && w.until.IsZero() {
		w.highest = max(w.highest, height+watchHeights)
	}
	w.check(e)
}

// ownVote notes that a peer holds a vote of ours of a height: proof that there
// was an earlier life.
func (w *watch) ownVote(height uint64) {
	if w.on {
		w.highest = max(w.highest, height)
	}
}

// check ends the watch when it can.
func (w *watch) check(e *Engine) {
	if !w.on || w.until.IsZero() && !w.quorumHeard(e) {
		return
	}
	if w.until.IsZero() {
		w.until = time.Now().Add(watchRounds * time.Duration(e.options.Config.Consensus.ProposeTimeout))
	}
	head := e.chain.head.Height
	if head < w.highest {
		if claimed, _ := e.claimed(); time.Now().Before(w.until) || head < claimed {
			return
		}
	}
	if w.highest > 0 {
		e.log.Info("the watch is over: this validator votes from now on", "height", head+1)
	}
	w.on, w.known = false, nil
	e.watching.Store(false)
	e.step(consensus.VotingAllowed{Allowed: true})
}

// quorumHeard reports whether those who told their height, and this validator,
// are a quorum.
func (w *watch) quorumHeard(e *Engine) bool {
	var stake uint64
	set := e.chain.next.set
	for i := range set.Len() {
		if v := set.At(i); w.known[v.Key] {
			stake += v.Stake
		}
	}
	return set.IsQuorum(stake)
}
