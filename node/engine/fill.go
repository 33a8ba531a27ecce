package engine

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

const (
	// fillRetry is how long the first answer is waited for before another peer
	// is asked, and fillRecord how much longer for each record asked for: ten
	// megabytes per second are slow. Each answer gets as much more time.
	fillRetry  = 50 * time.Millisecond
	fillRecord = 20 * time.Microsecond
	// maxFillTries bounds the asking, to six seconds and more: the block then
	// counts as not valid for now, and agreement asks for it again in a later round.
	maxFillTries = 15
)

// pendingFill is a proposal whose records are being asked for.
type pendingFill struct {
	proposal *types.Proposal
	missing  map[types.Hash]bool // what is asked for
	found    map[types.Hash]types.VerifiedRecord
	expected map[types.PublicKey]bool // whose answer is waited for
	tries    int
	next     time.Time // when another peer is asked
}

// fills is the proposals that lack records. The main loop changes it; the
// readers of the links ask it what an answer is good for, before they check
// any signature.
type fills struct {
	mu      sync.Mutex
	pending map[types.Hash]*pendingFill // by block
}

// open returns the fill of a proposal with what is missing now, a new one if
// there was none.
func (f *fills) open(p *types.Proposal, missing []types.Hash) *pendingFill {
	f.mu.Lock()
	defer f.mu.Unlock()
	pending := f.pending[p.Block()]
	if pending == nil {
		pending = &pendingFill{proposal: p, found: map[types.Hash]types.VerifiedRecord{}, expected: map[types.PublicKey]bool{}}
		if f.pending == nil {
			f.pending = map[types.Hash]*pendingFill{}
		}
		f.pending[p.Block()] = pending
	}
	pending.missing = make(map[types.Hash]bool, len(missing))
	for _, id := range missing {
		pending.missing[id] = true
	}
	return pending
}

// expect notes that a peer is asked; it may answer once.
func (f *fills) expect(pending *pendingFill, peer types.PublicKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pending.expected[peer] = true
}

// answered takes a peer's answer for given: it reports whether one was expected.
func (f *fills) answered(block types.Hash, peer types.PublicKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	pending := f.pending[block]
	if pending == nil || !pending.expected[peer] {
		return false
	}
	delete(pending.expected, peer)
	return true
}

// missing returns those of the records that a block lacks, each once.
func (f *fills) missing(block types.Hash, records []*types.Record) []*types.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*types.Record
	pending := f.pending[block]
	if pending == nil {
		return nil
	}
	for _, r := range records {
		if pending.missing[r.ID()] {
			delete(pending.missing, r.ID())
			out = append(out, r)
		}
	}
	return out
}

// put adds what came for a block, and returns its proposal if that is still
// waited for.
func (f *fills) put(block types.Hash, records []types.VerifiedRecord) *types.Proposal {
	f.mu.Lock()
	defer f.mu.Unlock()
	pending := f.pending[block]
	if pending == nil {
		return nil
	}
	for _, r := range records {
		pending.found[r.Record().ID()] = r
	}
	return pending.proposal
}

// found returns a copy of what came for a block.
func (f *fills) found(block types.Hash) map[types.Hash]types.VerifiedRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[types.Hash]types.VerifiedRecord{}
	if pending := f.pending[block]; pending != nil {
		maps.Copy(out, pending.found)
	}
	return out
}

// waiting returns the proposals that lack records.
func (f *fills) waiting() []*types.Proposal {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*types.Proposal
	for _, pending := range f.pending {
		out = append(out, pending.proposal)
	}
	return out
}

// has reports whether records of a block are still asked for.
func (f *fills) has(block types.Hash) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending[block] != nil
}

func (f *fills) done(block types.Hash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, block)
}

func (f *fills) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.pending)
}

// fill asks for records of a proposal: its proposer first, then others in turn.
// What is in the intake comes by itself.
func (e *Engine) fill(p *types.Proposal, missing []types.Hash) []consensus.Event {
	pending := e.fills.open(p, missing)
	missing = slices.DeleteFunc(missing, e.intake.holds)
	if len(missing) == 0 || time.Now().Before(pending.next) {
		return nil
	}
	if pending.tries == maxFillTries {
		return e.notValid(p, fmt.Errorf("%d of its %d records are not to be had from any peer", len(missing), len(p.RecordIDs)))
	}
	pending.tries++
	wait := time.Duration(pending.tries) * (fillRetry + time.Duration(len(missing))*fillRecord)
	pending.next = time.Now().Add(wait)
	if to, ok := e.whoHas(p, pending.tries); ok {
		e.fills.expect(pending, to)
		e.options.Links.Send(to, p2p.KindRecordsWanted, (&wanted{p.Block(), missing}).encode())
	}
	time.AfterFunc(wait, func() { e.call(func() { e.refill(p) }) })
	return nil
}

// whoHas chooses whom to ask for a proposal's records, the first time and later:
// its proposer, then the others in turn.
func (e *Engine) whoHas(p *types.Proposal, try int) (types.PublicKey, bool) {
	peers := e.linked()
	if len(peers) == 0 {
		return types.PublicKey{}, false
	}
	if i := slices.Index(peers, p.Validator); i > 0 {
		peers = slices.Insert(slices.Delete(peers, i, i+1), 0, p.Validator)
	}
	return peers[(try-1)%len(peers)], true
}

// recordsCame tells that the intake let records through: proposals may be
// complete now.
func (e *Engine) recordsCame() {
	if len(e.fills.waiting()) == 0 {
		return
	}
	e.call(func() {
		for _, p := range e.fills.waiting() {
			e.refill(p)
		}
	})
}

// refill tries again to complete a proposal, with what has come since.
func (e *Engine) refill(p *types.Proposal) {
	if !e.fills.has(p.Block()) {
		return
	}
	for _, event := range e.tryProposal(p) {
		e.step(event)
	}
}

// filled takes records that a peer sent for a block.
func (e *Engine) filled(block types.Hash, records []types.VerifiedRecord) {
	if p := e.fills.put(block, records); p != nil {
		e.refill(p)
	}
}
