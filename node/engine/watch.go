package engine

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

const (
	// watchRounds is how many propose timeouts a validator that lost its disk
	// watches at most: by then whatever it signed before is long decided, unless
	// the chain waits for this very validator.
	watchRounds = 10
	// watchHeights is how many blocks past the newest it heard of must be
	// committed before it votes: it may have voted on the next one.
	watchHeights = 2
)

// watch keeps a validator silent whose sign log is new, until it cannot
// contradict what it may have signed before it lost its disk. It belongs to the
// main loop.
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

// heard notes a peer's height.
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

// check ends the watch when it can. A network that has just begun has nothing
// to be watched: once a quorum says so, everybody votes.
func (w *watch) check(e *Engine) {
	if !w.on {
		return
	}
	if w.until.IsZero() {
		var stake uint64
		set := e.chain.next.set
		for _, v := range set.List() {
			if w.known[v.Key] {
				stake += v.Stake
			}
		}
		if !set.IsQuorum(stake) {
			return
		}
		w.until = time.Now().Add(watchRounds * time.Duration(e.options.Config.Consensus.ProposeTimeout))
	}
	if e.chain.head.Height < w.highest && time.Now().Before(w.until) {
		return
	}
	if w.highest > 0 {
		e.log.Info("the watch is over: this validator votes from now on", "height", e.chain.head.Height+1)
	}
	w.on = false
	e.watching.Store(false)
	e.step(consensus.VotingAllowed{Allowed: true})
}
