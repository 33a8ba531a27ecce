package sim

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// node drives one core, as the engine does in production: it brings time,
// disk and network.
type node struct {
	w         *World
	index     int
	key       types.PublicKey
	adversary Adversary // nil: honest
	skew      time.Duration
	disk      disk
	diskFault *DiskFault // that lasts

	// All below is lost in a crash.
	up         bool
	life       int // counts starts: what an earlier life planned does not happen
	dieSigning bool
	core       *consensus.Core
	bodies     map[types.Hash]*block
	pending    [consensus.TimerKinds]consensus.Timer // set last
	ready      bool
	fetching   time.Duration // blocks were asked for; not again before
	watch      *watch        // after the loss of the disk
	replay     []any         // what a replayer keeps
	shuns      []bool        // whom a forgetter does not talk with now; nil: nobody
	turned     bool          // a forgetter has forgotten at this height
}

func newNode(w *World, index int) *node {
	n := &node{w: w, index: index, key: w.Keys[index], adversary: w.Adversaries[index]}
	if w.RealDisks {
		n.disk.real = newRealDisk(w, n.key)
		w.disks = append(w.disks, n.disk.real)
	}
	return n
}

// after plans something for this life of the node.
func (n *node) after(delay time.Duration, do func()) {
	life := n.life
	n.w.after(delay, func() {
		if n.up && n.life == life {
			do()
		}
	})
}

// shunned reports whether nothing passes between this node and another.
func (n *node) shunned(other int) bool { return n.shuns != nil && n.shuns[other] }

func (n *node) note(what string) { n.w.trace.line(n.w, n.index, what) }

// head returns the height of the last block on disk.
func (n *node) head() uint64 { return uint64(len(n.disk.chain)) }

// height returns the height at work.
func (n *node) height() uint64 { return n.head() + 1 }

// prev returns the hash of the last block; the zero hash before the first.
func (n *node) prev() types.Hash {
	if n.head() == 0 {
		return types.Hash{}
	}
	return n.disk.chain[n.head()-1].block.hash
}

// now returns the time by the node's own clock.
func (n *node) now() types.Time { return types.Time(time.Hour + n.w.now + n.skew) }

func (n *node) crash() {
	if !n.up {
		return
	}
	n.note("crashes")
	n.up = false
	if r := n.disk.real; r != nil {
		r.kill(n.w.rng.IntN(2) == 0)
	}
	n.w.net.nodeChanged(n.index)
}

// loseDisk takes away all that was persisted.
func (n *node) loseDisk() {
	n.note("loses its disk")
	n.disk.chain, n.disk.log = nil, nil
	if r := n.disk.real; r != nil {
		n.disk.real = newRealDisk(n.w, n.key)
		n.w.disks = append(n.w.disks, n.disk.real)
	}
	n.watch = newWatch(n)
}

// restart starts the node, first or again, with what its disk holds.
func (n *node) restart() {
	n.dieSigning = false
	if n.up {
		return
	}
	n.note("starts")
	if !n.mount() {
		return
	}
	n.up = true
	n.wake()
	n.w.net.nodeChanged(n.index)
}

// wake begins a life with nothing in mind but what is on disk.
func (n *node) wake() {
	n.life++
	n.bodies, n.fetching = map[types.Hash]*block{}, 0
	n.core = consensus.New(consensus.Config{Self: n.key, ProposeTimeout: n.w.ProposeTimeout})
	if n.watch != nil {
		n.step(consensus.VotingAllowed{Allowed: false})
	}
	n.beginHeight(0, n.resume())
}

// resume returns what was signed at the height at work, and what was kept with
// it.
func (n *node) resume() (events []consensus.Event) {
	if len(n.disk.log) > 0 && n.adversary == nil {
		n.w.counts.Resumed++
	}
	for _, entry := range n.disk.log {
		for _, b := range entry.bodies {
			n.bodies[b.hash] = b
		}
		events = append(events, entry.events()...)
	}
	return events
}

// beginHeight begins the height after the last block on disk.
func (n *node) beginHeight(wait time.Duration, resume []consensus.Event) {
	height := n.height()
	n.ready = false
	n.step(consensus.NewHeight{Height: height, Validators: n.w.set(height), Order: n.w.order(height, n.prev()), Wait: wait, Resume: resume})
	if n.watch != nil && n.watch.over(height) {
		n.note("may vote again")
		n.watch = nil
		n.step(consensus.VotingAllowed{Allowed: true})
	}
	n.planCandidate()
	if n.adversary != nil {
		n.adversary.Begin(n)
	}
}

// planCandidate plans when there is a candidate block at this height.
func (n *node) planCandidate() {
	w, rule, height := n.w, n.w.Rules[n.index], n.height()
	if w.rng.Float64() >= rule.Chance {
		return
	}
	var set func(ready bool)
	set = func(ready bool) {
		if n.height() != height {
			return
		}
		n.ready = ready
		n.step(consensus.CandidateReady{Ready: ready})
		if rule.Flaps && w.rng.IntN(2) == 0 {
			n.after(rule.Delay.pick(w.rng), func() { set(!ready) })
		}
	}
	n.after(rule.Delay.pick(w.rng), func() { set(true) })
}

// step gives the core an event and carries out what follows.
func (n *node) step(e consensus.Event) {
	life := n.life
	for _, a := range n.core.Step(e) {
		if !n.up || n.life != life {
			return // it crashed carrying out the one before
		}
		if n.adversary == nil || !n.adversary.Act(n, a) {
			n.act(a)
		}
	}
}

// act carries out an action as an honest node does.
func (n *node) act(action consensus.Action) {
	switch a := action.(type) {
	case consensus.SignVote:
		n.signVote(a)
	case consensus.SignProposal:
		n.sign(entry{message: n.signedProposal(a.Proposal)})
	case consensus.SignCandidate:
		n.publishSoon(n.newCandidate(a.Height))
	case consensus.SignPass:
		n.publishSoon(n.newPass(a.Height, a.Round))
	case consensus.SendSummary:
		n.broadcast(a.Summary)
	case consensus.SendTo:
		n.sendTo(a.To, a.Message)
	case consensus.SetTimer:
		n.setTimer(a)
	case consensus.BuildBlock:
		n.build(a)
	case consensus.CheckBlock:
		n.checkBlock(a.Proposal.Block())
	case consensus.Decide:
		n.decide(a.Certificate)
	case consensus.Behind:
		n.catchUp(a)
	case consensus.ReportEvidence:
		n.w.check.evidence(n, a.Evidence)
	}
}

// setTimer lets a timer fire, at times somewhat late, or replaced ones too.
func (n *node) setTimer(a consensus.SetTimer) {
	n.pending[a.Timer.Kind] = a.Timer
	late := time.Duration(n.w.rng.Int64N(int64(time.Millisecond)))
	n.after(a.After+late, func() {
		if n.pending[a.Timer.Kind] == a.Timer || n.w.rng.IntN(4) == 0 {
			n.note("timer " + a.Timer.Kind.String())
			n.step(consensus.TimerFired{Timer: a.Timer})
		}
	})
}

func (n *node) broadcast(message any) {
	for to := range n.w.nodes {
		n.w.net.send(n.index, to, message)
	}
}

func (n *node) sendTo(key types.PublicKey, message any) {
	for to := range n.w.nodes {
		if n.w.Keys[to] == key {
			n.w.net.send(n.index, to, message)
		}
	}
}
