package sim

import (
	"errors"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// disk is what survives a crash: the chain, and what was signed at the height
// at work.
type disk struct {
	chain []committed
	log   []entry
	real  *realDisk // where both are kept besides; nil: they survive by themselves
}

// entry is a persisted own message, and what is kept with it.
type entry struct {
	message any // *types.Vote or *types.Proposal
	lock    *consensus.Lock
	bodies  []*block
}

// events returns the entry as what comes back after a restart.
func (e entry) events() []consensus.Event {
	var out []consensus.Event
	if e.lock != nil {
		out = append(out, consensus.ProposalArrived{Proposal: e.lock.Proposal})
		for _, v := range e.lock.Prevotes {
			out = append(out, consensus.VoteArrived{Vote: v})
		}
	}
	return append(out, arrived(e.message))
}

// arrived wraps a message as the event of its arrival. Messages are vouched
// for: in here nobody forges signatures.
func arrived(message any) consensus.Event {
	switch m := message.(type) {
	case *types.Vote:
		return consensus.VoteArrived{Vote: types.Vouch(m)}
	case *types.Proposal:
		return consensus.ProposalArrived{Proposal: types.Vouch(m)}
	case *types.Candidate:
		return consensus.CandidateArrived{Candidate: types.Vouch(m)}
	case *types.Pass:
		return consensus.PassArrived{Pass: types.Vouch(m)}
	}
	panic("sim: no such message")
}

// find returns the entry that was signed for the same purpose as a message, or
// nil.
func (d *disk) find(message any) *entry {
	for i := range d.log {
		if purposeOf(d.log[i].message) == purposeOf(message) {
			return &d.log[i]
		}
	}
	return nil
}

// purpose is what a validator may sign one message for.
type purpose struct {
	height uint64
	round  uint32
	kind   types.VoteKind // 0: a proposal
}

func purposeOf(message any) purpose {
	switch m := message.(type) {
	case *types.Vote:
		return purpose{m.Height, m.Round, m.Kind}
	case *types.Proposal:
		return purpose{m.Height, m.Round, 0}
	}
	panic("sim: no such message")
}

// content is what must be the same for two messages of one purpose.
func content(message any) types.Hash {
	switch m := message.(type) {
	case *types.Vote:
		return m.Block
	case *types.Proposal:
		return types.SumHash(m.SignBytes(types.Hash{}))
	}
	panic("sim: no such message")
}

// signVote signs a vote; a precommit for a block is persisted with what it
// takes to defend it.
func (n *node) signVote(a consensus.SignVote) {
	e := entry{message: n.newVote(a.Kind, a.Height, a.Round, a.Block), lock: a.Lock}
	if b := n.bodies[a.Block]; b != nil && a.Lock != nil {
		e.bodies = append(e.bodies, b)
	}
	n.sign(e)
}

// sign persists a message, unless it contradicts one on disk, and then
// publishes it. It may die in between.
func (n *node) sign(e entry) {
	if p, ok := e.message.(*types.Proposal); ok && n.bodies[p.Block()] != nil {
		e.bodies = append(e.bodies, n.bodies[p.Block()])
	}
	if old := n.disk.find(e.message); old != nil {
		if content(old.message) != content(e.message) {
			n.note("refuses to sign " + describe(e.message))
			n.w.counts.Refused++
			return
		}
		e.message = old.message
	} else {
		if r := n.disk.real; r != nil && !n.stored(r.sign(e)) {
			return
		}
		n.disk.log = append(n.disk.log, e)
		n.w.check.signed(n, e.message)
	}
	if n.dieSigning {
		n.dieSigning = false
		n.crash()
		return
	}
	n.publishSoon(e.message)
}

// publishSoon sends an own message to all and takes it in by the front door,
// when the disk is done with it.
func (n *node) publishSoon(message any) {
	n.after(n.w.Sync.pick(n.w.rng), func() {
		n.note("signs " + describe(message))
		n.broadcast(message)
		n.step(arrived(message))
	})
}

// stored reports whether a write is on the disk for sure. If not the node is no
// more, and starts again soon.
func (n *node) stored(err error) bool {
	if !n.disk.real.failed() {
		if err != nil {
			n.w.fail("n%d cannot write: %v", n.index, err)
		}
		return true
	}
	n.note("loses its disk in the midst of a write")
	n.w.counts.DiskFailures++
	n.crash()
	n.w.after(Range{time.Millisecond, 100 * time.Millisecond}.pick(n.w.rng), n.restart)
	return false
}

// mount opens the disk after a crash, and checks that what was acknowledged is
// there.
func (n *node) mount() bool {
	r := n.disk.real
	if r == nil {
		return true
	}
	err := r.close()
	if n.diskFault != nil {
		n.diskFault.arm(n)
	}
	if err = errors.Join(err, r.open()); err != nil || r.failed() {
		return n.stored(err) && err == nil
	}
	loaded, err := r.load()
	if err != nil {
		n.w.fail("n%d cannot read its disk: %v", n.index, err)
		return false
	}
	n.w.check.survived(n, loaded)
	n.disk.chain, n.disk.log = loaded.chain, loaded.log
	return true
}
