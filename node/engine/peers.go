package engine

import (
	"sync"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// peerHeights is what peers told of their chains.
type peerHeights struct {
	mu      sync.RWMutex
	heights map[types.PublicKey]peerStatus
}

func (p *peerHeights) set(peer types.PublicKey, s peerStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heights[peer] = s
}

func (p *peerHeights) get(peer types.PublicKey) (peerStatus, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s, ok := p.heights[peer]
	return s, ok
}

// highest returns the greatest height that a linked peer told of.
func (p *peerHeights) highest() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var highest uint64
	for _, s := range p.heights {
		highest = max(highest, s.Height)
	}
	return highest
}

func (p *peerHeights) forget(peer types.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heights, peer)
}

// Allowed reports whether a key may link with this node: a validator of the
// heights known, or a configured peer that is about to become one.
func (e *Engine) Allowed(key types.PublicKey) bool {
	for _, p := range e.options.Config.Peers {
		if p.Key == key {
			return true
		}
	}
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
		return e.chain.next.set
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

// maxResend is how much of the pool a new peer is told at once; it asks for the
// rest as proposals name it.
const maxResend = 10_000

// LinkDown implements p2p.Handler.
func (e *Engine) LinkDown(peer types.PublicKey) {
	e.peers.forget(peer)
	e.post(consensus.LinkChanged{Validator: peer})
}

// Message implements p2p.Handler: it decodes and verifies on the link's own
// goroutine, so that the main loop sees only what is sound. A peer whose
// message is not loses nothing but that message; it is logged.
func (e *Engine) Message(from types.PublicKey, kind p2p.Kind, payload []byte) {
	if err := e.receive(from, kind, payload); err != nil {
		e.metrics.rejected.Inc()
		e.log.Warn("a message is not sound", "peer", from.Short(), "kind", kind.String(), "reason", err)
	}
}

func (e *Engine) receive(from types.PublicKey, kind p2p.Kind, payload []byte) error {
	switch kind {
	case p2p.KindProposal:
		return e.receiveProposal(payload)
	case p2p.KindVote:
		return e.receiveVote(payload)
	case p2p.KindCandidate:
		return e.receiveCandidate(payload)
	case p2p.KindPass:
		return e.receivePass(payload)
	case p2p.KindSummary:
		return e.receiveSummary(from, payload)
	case p2p.KindRecords:
		records, err := types.DecodeRecords(payload)
		if err == nil {
			e.hear(records)
		}
		return err
	case p2p.KindRecordsWanted:
		return e.answerRecords(from, payload)
	case p2p.KindRecordsFound:
		return e.receiveFound(payload)
	case p2p.KindBlocksWanted:
		return e.answerBlocks(from, payload)
	case p2p.KindBlocksFound:
		return e.receiveBlocks(from, payload)
	case p2p.KindStatus:
		return e.receiveStatus(from, payload)
	}
	return nil
}

// setOf returns the validators of a height if its messages are of use now: the
// height under way, or the one above it.
func (e *Engine) setOf(height uint64) *types.ValidatorSet {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if height <= e.chain.head.Height || height > e.chain.head.Height+2 {
		return nil
	}
	return e.validators(height)
}

func (e *Engine) receiveProposal(payload []byte) error {
	p, err := types.DecodeProposal(payload)
	if err != nil {
		return err
	}
	set := e.setOf(p.Height)
	if set == nil {
		return nil
	}
	v, err := types.VerifyMessage(p, p.Validator, p.Signature, e.network, set)
	if err == nil {
		e.post(consensus.ProposalArrived{Proposal: v})
	}
	return err
}

func (e *Engine) receiveVote(payload []byte) error {
	vote, err := types.DecodeVote(payload)
	if err != nil {
		return err
	}
	set := e.setOf(vote.Height)
	if set == nil {
		return nil
	}
	v, err := types.VerifyMessage(&vote, vote.Validator, vote.Signature, e.network, set)
	if err != nil {
		return err
	}
	if vote.Validator == e.self {
		e.call(func() { e.watch.ownVote(vote.Height) })
	}
	e.post(consensus.VoteArrived{Vote: v})
	return nil
}

func (e *Engine) receiveCandidate(payload []byte) error {
	c, err := types.DecodeCandidate(payload)
	if err != nil {
		return err
	}
	set := e.setOf(c.Height)
	if set == nil {
		return nil
	}
	v, err := types.VerifyMessage(&c, c.Validator, c.Signature, e.network, set)
	if err == nil {
		e.post(consensus.CandidateArrived{Candidate: v})
	}
	return err
}

func (e *Engine) receivePass(payload []byte) error {
	p, err := types.DecodePass(payload)
	if err != nil {
		return err
	}
	set := e.setOf(p.Height)
	if set == nil {
		return nil
	}
	v, err := types.VerifyMessage(&p, p.Validator, p.Signature, e.network, set)
	if err == nil {
		e.post(consensus.PassArrived{Pass: v})
	}
	return err
}

func (e *Engine) receiveSummary(from types.PublicKey, payload []byte) error {
	s, err := consensus.DecodeSummary(payload)
	if err == nil {
		e.post(consensus.SummaryArrived{From: from, Summary: s})
	}
	return err
}

func (e *Engine) receiveStatus(from types.PublicKey, payload []byte) error {
	s, err := decodePeerStatus(payload)
	if err != nil {
		return err
	}
	e.peers.set(from, s)
	e.readiness.heard()
	e.call(func() {
		e.watch.heard(e, from, s.Height)
		if s.Height > e.chain.head.Height {
			e.fetch.behind(e, from, s.Height)
		}
	})
	return nil
}

// answerRecords sends a peer the records it lacks, as far as they are here:
// from the pool, or from a block that was just committed.
func (e *Engine) answerRecords(from types.PublicKey, payload []byte) error {
	w, err := decodeWanted(payload)
	if err != nil {
		return err
	}
	records := make([]*types.Record, 0, len(w.IDs))
	for _, id := range w.IDs {
		if r, ok := e.pool.Get(id); ok {
			records = append(records, r.Record())
		}
	}
	if len(records) < len(w.IDs) {
		e.call(func() {
			if more := e.recordsOf(w.Block); more != nil {
				records = more
			}
			e.options.Links.Send(from, p2p.KindRecordsFound, encodeFound(w.Block, records))
		})
		return nil
	}
	e.options.Links.Send(from, p2p.KindRecordsFound, encodeFound(w.Block, records))
	return nil
}

// recordsOf returns the records of a block that this node executed for the
// height under way, or committed a moment ago.
func (e *Engine) recordsOf(block types.Hash) []*types.Record {
	if x := e.ran[block]; x != nil {
		return x.block.Records
	}
	if c := e.signer.kept[block]; c != nil {
		return c.records
	}
	return e.recent.records(block)
}

// receiveFound checks the signatures of asked-for records and hands them on. It
// does not use the intake: an answer is waited for, and must not queue behind
// gossip.
func (e *Engine) receiveFound(payload []byte) error {
	block, records, err := decodeFound(payload)
	if err != nil {
		return err
	}
	verified, errs := e.verify(records)
	sound := verified[:0]
	for i, r := range verified {
		if errs[i] == nil {
			sound = append(sound, r)
		}
	}
	e.call(func() { e.filled(block, sound) })
	return nil
}

func (e *Engine) ownStatus() []byte {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return (&peerStatus{e.chain.head.Height, e.chain.head.Hash}).encode()
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
