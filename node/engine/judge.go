package engine

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// maxDrift is how far a block's time may be ahead of this node's clock:
// classroom laptops are rarely off by more.
const maxDrift = 10 * time.Second

// work is what is known of one block of the height under way.
type work struct {
	proposal *types.Proposal // nil: it was built here
	executed *executed       // nil: not executed yet, or not valid
}

// maxWorks is how many blocks of one height are kept at hand, at most ten
// megabytes each. There is one per round, and rarely more than a few rounds; a
// block that was let go is executed again if need be.
const maxWorks = 16

// works is the newest blocks of the height under way.
type works struct {
	byHash map[types.Hash]*work
	order  []types.Hash // the oldest first
}

// of returns what is known of a block; there is room for it from now on.
func (w *works) of(hash types.Hash) *work {
	if known := w.byHash[hash]; known != nil {
		return known
	}
	if len(w.order) == maxWorks {
		delete(w.byHash, w.order[0])
		w.order = append(w.order[:0], w.order[1:]...)
	}
	if w.byHash == nil {
		w.byHash = map[types.Hash]*work{}
	}
	w.byHash[hash] = &work{}
	w.order = append(w.order, hash)
	return w.byHash[hash]
}

// find returns what is known of a block, or nothing.
func (w *works) find(hash types.Hash) work {
	if known := w.byHash[hash]; known != nil {
		return *known
	}
	return work{}
}

// checkProposal answers the core whether a proposed block is valid, at once if
// all of its records are here; else it asks peers for them first.
func (e *Engine) checkProposal(p *types.Proposal) []consensus.Event {
	w := e.works.of(p.Block())
	w.proposal = p
	if w.executed != nil {
		return []consensus.Event{consensus.BlockChecked{Block: p.Block(), Valid: true}}
	}
	if ahead := p.Header.Time.Sub(types.TimeOf(time.Now())); ahead > maxDrift && p.ValidRound == types.NoRound {
		return e.notValid(p, fmt.Errorf("its time is %v ahead of this node's clock: at most %v is allowed", ahead, maxDrift))
	}
	return e.tryProposal(p)
}

// tryProposal judges a proposed block if all of its records are here, else asks
// for them.
func (e *Engine) tryProposal(p *types.Proposal) []consensus.Event {
	records, missing := e.gather(p)
	if len(missing) > 0 {
		return e.fill(p, missing)
	}
	x, err := e.chain.execute(p.Header, records)
	if err != nil {
		return e.notValid(p, err)
	}
	e.fills.done(p.Block())
	e.works.of(p.Block()).executed = x
	events := []consensus.Event{consensus.BlockChecked{Block: p.Block(), Valid: true}}
	if e.undecided != nil && e.undecided.Block == p.Block() {
		events = append(events, e.decide(e.undecided)...)
	}
	return events
}

// notValid tells the core that a block is not valid for now.
func (e *Engine) notValid(p *types.Proposal, reason error) []consensus.Event {
	e.fills.done(p.Block())
	e.warn("a proposed block is not valid", p.Validator.Short(), "height", p.Height, "round", p.Round, "reason", reason)
	return []consensus.Event{consensus.BlockChecked{Block: p.Block()}}
}

// executedAgain returns a block that was executed; one that was let go since is
// executed again. It is nil if that is not possible.
func (e *Engine) executedAgain(p *types.Proposal) *executed {
	w := e.works.of(p.Block())
	if w.executed == nil {
		if records, missing := e.gather(p); len(missing) == 0 {
			w.executed, _ = e.chain.execute(p.Header, records)
		}
	}
	return w.executed
}

// gather collects a proposal's records from the pool, from what this node kept
// and from what peers sent for it; missing are the ids of those it lacks.
func (e *Engine) gather(p *types.Proposal) (records []types.VerifiedRecord, missing []types.Hash) {
	records, missing = e.pool.Collect(p.RecordIDs)
	if len(missing) == 0 {
		return records, nil
	}
	others := e.fills.found(p.Block())
	if c := e.signer.kept[p.Block()]; c != nil {
		for _, r := range c.records {
			others[r.ID()] = types.VouchRecord(r) // they were checked before they were kept
		}
	}
	missing = missing[:0]
	for i, id := range p.RecordIDs {
		if records[i].Record() != nil {
			continue
		}
		if r, ok := others[id]; ok {
			records[i] = r
		} else {
			missing = append(missing, id)
		}
	}
	return records, missing
}

// decide commits the block of a certificate. Where the block is not here yet,
// it is fetched, and decided again when it comes.
func (e *Engine) decide(cert *types.Certificate) []consensus.Event {
	w := e.works.find(cert.Block)
	if w.executed == nil && w.proposal != nil {
		w.executed = e.executedAgain(w.proposal) // a quorum says that it is valid
	}
	if w.executed == nil {
		e.undecided = cert
		e.fetch.soon(e)
		return nil
	}
	if err := e.commit(decided{w.executed, w.executed.Block.Encode(), cert}); err != nil {
		e.die(err)
		return nil
	}
	e.noteStuck(w.executed.Block)
	e.throttle.committed(len(w.executed.Block.Records), e.pool.Stats().Size-int(e.throttle.stuck.Load()), cert.Round, time.Duration(e.options.Config.Consensus.MinBlockInterval))
	return []consensus.Event{e.nextHeight()}
}

// nextHeight is the event that begins the height above the head. Whether there is
// reason for a block of it is asked when the main loop comes round: a validator that is
// a quorum by itself would else go from block to block and hear nobody, not even that
// it is to stop.
func (e *Engine) nextHeight() consensus.Event {
	e.ready = false
	select {
	case e.begun <- struct{}{}:
	default:
	}
	return e.newHeight()
}
