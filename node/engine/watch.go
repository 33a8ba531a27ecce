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
	// watchEcho is how long peers have to show votes of this validator that they
	// hold: they do as soon as the links are up.
	watchEcho = 300 * time.Millisecond
)

// watch keeps a validator silent whose sign log is new or damaged, until it cannot
// contradict what it may have signed before it lost its disk. In a network that
// has just begun there is nothing to contradict: once a quorum says that there
// is no block yet, and nobody shows an own vote, everybody votes. It belongs to
// the main loop.
type watch struct {
	on      bool
	known   map[types.PublicKey]bool // who told their height
	highest uint64                   // the newest height at which it may have voted
	echo    time.Time                // until when peers may show own votes; zero until a quorum was heard
	until   time.Time                // when it ends in any case, if caught up; zero likewise
}

// begin reports whether the validator has to watch.
func (w *watch) begin(e *Engine) bool {
	if !e.watching.Load() {
		return false
	}
	w.on, w.known = true, map[types.PublicKey]bool{e.self: true}
	w.check(e)
	return w.on
}

// heard notes a peer's height. Those told later grow with the chain and say
// nothing of the time before.
func (w *watch) heard(e *Engine, peer types.PublicKey, height uint64) {
	if !w.on {
		return
	}
	if early := w.until.IsZero() || time.Now().Before(w.echo) || !w.knowsOthers(e); early && height > 0 {
		w.highest = max(w.highest, height+watchHeights)
	}
	w.known[peer] = true
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
	if !w.on || !e.chain.next.Set.IsQuorum(w.stake(e)) {
		return
	}
	now, head := time.Now(), e.chain.head.Height
	if w.until.IsZero() {
		w.until = now.Add(watchRounds * time.Duration(e.options.Config.Consensus.ProposeTimeout))
		if w.echo = now; e.chain.next.Set.Len() > 1 || len(e.options.Config.Peers) > 0 {
			w.echo = now.Add(watchEcho)
			time.AfterFunc(watchEcho, func() { e.call(func() { w.check(e) }) })
		}
	}
	if claimed, _ := e.claimed(); now.Before(w.until) || head < claimed {
		if now.Before(w.echo) || head < w.highest || !w.knowsOthers(e) {
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

// stake returns that of those who told their height, and of this validator.
func (w *watch) stake(e *Engine) (stake uint64) {
	set := e.chain.next.Set
	for i := range set.Len() {
		if v := set.At(i); w.known[v.Key] {
			stake += v.Stake
		}
	}
	return stake
}

// knowsOthers reports whether at least half of the others' stake has told its
// height, and half of the configured peers. A validator that is a quorum by
// itself, or nearly, must not begin a chain of its own because nobody has told it
// yet that there is one; and without its disk it knows the validators of genesis
// only, of whom others may have taken over long ago.
func (w *watch) knowsOthers(e *Engine) bool {
	set := e.chain.next.Set
	self, _ := set.ByKey(e.self)
	peers, told := e.options.Config.Peers, 0
	for _, p := range peers {
		if w.known[p.Key] {
			told++
		}
	}
	return 2*(w.stake(e)-self.Stake) >= set.Total()-self.Stake && 2*told >= len(peers)
}
