package engine

import (
	"sync"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

const (
	// maxResend is how much of the pool a new peer is told at once; it asks for
	// the rest as proposals name it.
	maxResend = 10_000
	// muteTime is how long records are not taken from a peer that told of one
	// with a wrong signature: an honest node checks before it tells. Agreement
	// goes on with it; records that its proposals name are asked for.
	muteTime = time.Minute
)

// peerBook is what peers told of themselves. It is safe for use by several
// goroutines.
type peerBook struct {
	mu      sync.RWMutex
	heights map[types.PublicKey]uint64
	keeps   map[types.PublicKey]keeps
	muted   map[types.PublicKey]time.Time // until when
}

// keeps is what a peer can give to those behind it.
type keeps struct {
	oldest   uint64 // block
	snapshot uint64 // height of its newest; 0 for none
}

func newPeerBook() *peerBook {
	return &peerBook{heights: map[types.PublicKey]uint64{}, keeps: map[types.PublicKey]keeps{}, muted: map[types.PublicKey]time.Time{}}
}

// set notes what a peer tells of its chain.
func (p *peerBook) set(peer types.PublicKey, s *peerStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heights[peer], p.keeps[peer] = s.Height, keeps{s.Oldest, s.Snapshot}
}

// has returns what a peer keeps, as it told.
func (p *peerBook) has(peer types.PublicKey) keeps {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.keeps[peer]
}

// raise notes that a peer's chain has a height at least.
func (p *peerBook) raise(peer types.PublicKey, height uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heights[peer] = max(p.heights[peer], height)
}

// height returns the height a peer told of, 0 if it told none.
func (p *peerBook) height(peer types.PublicKey) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.heights[peer]
}

// forget drops the height of a peer that is gone; muted it stays.
func (p *peerBook) forget(peer types.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heights, peer)
	delete(p.keeps, peer)
}

func (p *peerBook) mute(peer types.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted[peer] = time.Now().Add(muteTime)
}

func (p *peerBook) isMuted(peer types.PublicKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.muted[peer]
	if ok && time.Now().After(until) {
		delete(p.muted, peer)
		return false
	}
	return ok
}

// claimed returns the greatest height that there is reason to believe in: that of
// the head, and what peers tell of that are not known to tell of blocks they do
// not give. For sure is what many tell of.
func (e *Engine) claimed() (claimed, sure uint64) {
	claimed, sure = e.chain.head.Height, e.chain.head.Height
	peers := e.linked()
	for _, peer := range peers {
		height := e.peers.height(peer)
		if height > sure && e.manyAt(peers, height) {
			sure = height
		}
		if _, doubted := e.fetch.doubts[peer]; height > claimed && !doubted {
			claimed = height
		}
	}
	return max(claimed, sure), sure
}

// manyAt reports whether peers with more than a third of the stake tell of a
// height: one of them is honest.
func (e *Engine) manyAt(peers []types.PublicKey, height uint64) bool {
	var stake uint64
	for _, peer := range peers {
		if v, ok := e.chain.next.Set.ByKey(peer); ok && e.peers.height(peer) >= height {
			stake += v.Stake
		}
	}
	return e.chain.next.Set.IsBlocking(stake)
}

// checkReadiness tells how far node and peers are.
func (e *Engine) checkReadiness() {
	claimed, sure := e.claimed()
	e.readiness.check(e.chain.head.Height, claimed, sure)
}

// Allowed reports whether a key may link with this node: a validator of the
// heights known. Configured peers, of which some are about to become validators,
// are the links' own matter.
func (e *Engine) Allowed(key types.PublicKey) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for above := uint64(1); above <= 2; above++ {
		if set := e.validators(e.chain.head.Height + above); set != nil {
			if _, ok := set.Find(key); ok {
				return true
			}
		}
	}
	return false
}

// validators returns the set of a height that the head fixes already, or nil.
// The caller holds e.mu or is the main loop.
func (e *Engine) validators(height uint64) *types.ValidatorSet {
	if height == e.chain.head.Height+1 {
		return e.chain.next.Set
	}
	return e.chain.state.Validators(height)
}

// LinkUp implements p2p.Handler: agreement counts on the peer again, and it is
// told what it may have missed.
func (e *Engine) LinkUp(peer types.PublicKey) {
	e.post(consensus.LinkChanged{Validator: peer, Up: true})
	e.options.Links.Send(peer, p2p.KindStatus, e.ownStatus())
	records := e.oldest(maxResend)
	for len(records) > 0 {
		n := min(len(records), maxGossipRecords)
		e.options.Links.Send(peer, p2p.KindRecords, types.EncodeRecords(records[:n]))
		records = records[n:]
	}
}

// LinkDown implements p2p.Handler.
func (e *Engine) LinkDown(peer types.PublicKey) {
	e.peers.forget(peer)
	e.post(consensus.LinkChanged{Validator: peer})
	e.call(func() {
		e.join.lost(e, peer)
		e.fetch.lost(e, peer)
	})
}

// oldest returns the records that wait the longest, at most so many.
func (e *Engine) oldest(most int) []*types.Record {
	out := []*types.Record{}
	for r := range e.pool.All() {
		if len(out) == most {
			break
		}
		out = append(out, r.Record())
	}
	return out
}

// heardStatus takes note of what a peer tells of its chain.
func (e *Engine) heardStatus(from types.PublicKey, s *peerStatus) {
	e.peers.set(from, s)
	e.call(func() {
		e.watch.heard(e, from, s.Height)
		e.fetch.notice(e, s.Height)
		e.checkReadiness()
		e.readiness.heard()
	})
}

// speaksOf notes that a validator signed something of a height, upon which it has
// the block before. Where this node has not, what it needs to agree on that block
// itself may have come and been dropped while it was another block behind: nobody
// sends it again soon, and if this node is drawn next, everybody waits for it.
func (e *Engine) speaksOf(validator types.PublicKey, height uint64) {
	if height <= e.Head()+1 {
		return
	}
	e.peers.raise(validator, height-1)
	if e.ahead.Swap(height) != height {
		e.call(func() { e.fetch.notice(e, height-1) })
	}
}

func (e *Engine) ownStatus() []byte {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return (&peerStatus{e.chain.head.Height, e.chain.head.Hash, e.Oldest(), e.keeper.newest.Load()}).encode()
}

// tellStatus tells all peers how far this node's chain is.
func (e *Engine) tellStatus() { e.options.Links.Broadcast(p2p.KindStatus, e.ownStatus()) }

// linked returns the validators this node is linked with, in a fixed order.
func (e *Engine) linked() []types.PublicKey {
	var out []types.PublicKey
	for _, p := range e.options.Links.Peers() {
		if p.Up() {
			out = append(out, p.Key)
		}
	}
	return out
}
