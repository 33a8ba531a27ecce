package engine

import (
	"bytes"
	"fmt"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// Message implements p2p.Handler: it decodes and verifies on the link's own
// goroutine, so that the main loop sees only what is sound. A peer whose
// message is not loses nothing but that message; it is counted and logged.
func (e *Engine) Message(from types.PublicKey, kind p2p.Kind, payload []byte) {
	if err := e.receive(from, kind, payload); err != nil {
		e.metrics.rejected.Inc()
		e.warn("a message is not sound", from.Short(), "kind", kind.String(), "reason", err)
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
		return e.receiveRecords(from, payload)
	case p2p.KindRecordsWanted:
		return e.answerRecords(from, payload)
	case p2p.KindRecordsFound:
		return e.receiveFound(from, payload)
	case p2p.KindBlocksWanted:
		return e.answerBlocks(from, payload)
	case p2p.KindBlocksFound:
		return e.receiveBlocks(from, payload)
	case p2p.KindSnapshotWanted:
		return e.keeper.wants(from, payload)
	case p2p.KindSnapshotFound:
		return e.receiveSnapshot(from, payload)
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
		e.speaksOf(p.Validator, p.Height)
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
	if vote.Validator == e.self && e.watching.Load() {
		e.call(func() { e.watch.ownVote(vote.Height) })
	}
	e.speaksOf(vote.Validator, vote.Height)
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
		e.speaksOf(c.Validator, c.Height)
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
		e.speaksOf(p.Validator, p.Height)
		e.post(consensus.PassArrived{Pass: v})
	}
	return err
}

func (e *Engine) receiveSummary(from types.PublicKey, payload []byte) error {
	s, err := consensus.DecodeSummary(payload)
	if err != nil {
		return err
	}
	if err := checkHeight(s.Height); err != nil {
		return err
	}
	e.post(consensus.SummaryArrived{From: from, Summary: s})
	return nil
}

func (e *Engine) receiveStatus(from types.PublicKey, payload []byte) error {
	s, err := decodePeerStatus(payload)
	if err != nil {
		return err
	}
	e.heardStatus(from, &s)
	return nil
}

func (e *Engine) receiveRecords(from types.PublicKey, payload []byte) error {
	if e.peers.isMuted(from) {
		return nil
	}
	records, err := types.DecodeRecords(payload)
	if err != nil {
		return err
	}
	if len(records) > maxGossipRecords {
		return fmt.Errorf("%d records at once: a peer tells of %d at most", len(records), maxGossipRecords)
	}
	e.hear(from, records, len(payload))
	return nil
}

// answerRecords sends a peer the records it lacks, as far as they are here: from
// the pool, or from a block of the height under way or a recent one.
func (e *Engine) answerRecords(from types.PublicKey, payload []byte) error {
	w, err := decodeWanted(payload)
	if err != nil {
		return err
	}
	list, missing := e.pool.Collect(w.IDs)
	records := make([]*types.Record, 0, len(list))
	for _, r := range list {
		if r.Record() != nil {
			records = append(records, r.Record())
		}
	}
	if len(missing) == 0 {
		e.sendFound(from, w.Block, records)
		return nil
	}
	e.call(func() { e.sendFound(from, w.Block, append(records, e.recordsOf(w.Block, missing)...)) })
	return nil
}

// sendFound answers with as many records as a block may hold: whoever asks for
// the records of a block never needs more.
func (e *Engine) sendFound(to types.PublicKey, block types.Hash, records []*types.Record) {
	size, count := 0, 0
	for _, r := range records[:min(len(records), types.MaxBlockRecords)] {
		if size += len(r.Raw()); size > types.MaxBlockBytes {
			break
		}
		count++
	}
	e.options.Links.Send(to, p2p.KindRecordsFound, encodeFound(block, records[:count]))
}

// recordsOf returns those records of a block that are asked for, if this node
// executed or kept it for the height under way, or committed it a moment ago.
func (e *Engine) recordsOf(block types.Hash, ids []types.Hash) []*types.Record {
	var all []*types.Record
	if x := e.works.find(block).executed; x != nil {
		all = x.Block.Records
	} else if c := e.signer.kept[block]; c != nil {
		all = c.records
	} else if all = e.recent.records(block); all == nil {
		return nil
	}
	asked := make(map[types.Hash]bool, len(ids))
	for _, id := range ids {
		asked[id] = true
	}
	var out []*types.Record
	for _, r := range all {
		if asked[r.ID()] {
			out = append(out, r)
		}
	}
	return out
}

// receiveFound checks the signatures of asked-for records and hands them on. It
// does not use the intake: an answer is waited for, and must not queue behind
// gossip.
func (e *Engine) receiveFound(from types.PublicKey, payload []byte) error {
	var block types.Hash
	if copy(block[:], payload) < len(block) {
		return errUnasked
	}
	if !e.fills.answered(block, from) {
		if !e.fills.has(block) {
			return nil // an honest answer, late: the block is there or decided
		}
		return errUnasked
	}
	_, records, err := decodeFound(payload)
	if err != nil {
		return err
	}
	verified, errs := e.verify(e.fills.missing(block, records))
	sound := verified[:0]
	for i, r := range verified {
		if errs[i] != nil {
			err = errs[i]
			continue
		}
		sound = append(sound, r)
	}
	e.call(func() { e.filled(block, sound) })
	return err
}

// detached returns records that share no memory with the frame they came in, if
// they are but a small part of it: a pool must not keep large frames alive.
func detached(records []*types.Record, frame int) []*types.Record {
	const share = 4 // a frame is kept for a quarter of itself
	size := 0
	for _, r := range records {
		size += len(r.Raw())
	}
	if size*share >= frame {
		return records
	}
	out := make([]*types.Record, len(records))
	for i, r := range records {
		var err error
		if out[i], err = types.DecodeRecord(bytes.Clone(r.Raw())); err != nil {
			out[i] = r // cannot be: it was decoded before
		}
	}
	return out
}
