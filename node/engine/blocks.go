package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// build makes a candidate block for the winner of a round, or none if there is
// no reason for one.
func (e *Engine) build(a consensus.BuildBlock) consensus.Event {
	none := consensus.BlockBuilt{Height: a.Height, Round: a.Round}
	if a.Height != e.chain.head.Height+1 || !e.hasReason(a.Winner) {
		return none
	}
	vrf, _ := lottery.NewVRFKey(e.options.Keys.VRF.Seed())
	proof := lottery.Prove(vrf, e.chain.next.seed, a.Height)
	output, err := lottery.ProofToOutput(proof)
	if err != nil {
		e.die(fmt.Errorf("the VRF key makes no proofs: %w", err))
		return none
	}
	trial := e.chain.state.Begin(a.Height, a.Winner, e.self)
	most := e.options.Config.Builder.MaxRecords
	if a.Winner != e.self {
		most-- // the guest's reading
	}
	packed := e.pack(trial, most)
	if a.Winner != e.self {
		reading, err := e.guests.reading(a.Winner, trial)
		if err != nil {
			e.log.Warn("no candidate block for a guest", "height", a.Height, "session", a.Winner.Short(), "reason", err)
			return none
		}
		packed = append(packed, reading)
	}
	if len(packed) == 0 && !e.reasonWhenEmpty(a.Winner) {
		return none
	}
	delta, err := trial.Finish(output)
	if err != nil {
		e.log.Warn("no candidate block", "height", a.Height, "reason", err)
		return none
	}
	block := &types.Block{Records: make([]*types.Record, len(packed))}
	for i, r := range packed {
		block.Records[i] = r.Record()
	}
	ids := block.IDs()
	block.Header = types.Header{
		Network: e.network, Height: a.Height, Round: a.Round,
		Time: max(e.chain.head.Time, types.TimeOf(time.Now())), Prev: e.chain.head.Hash,
		RecordsRoot: types.MerkleRoot(ids), Records: uint32(len(ids)),
		State: e.chain.state.Digest(), Validators: e.chain.next.set.Hash(),
		Proof: types.VRFProof(proof), Winner: a.Winner, Proposer: e.self,
	}
	e.ran[block.Header.Hash()] = &executed{block, delta}
	return consensus.BlockBuilt{Height: a.Height, Round: a.Round, Block: &block.Header, RecordIDs: ids}
}

// checkProposal answers the core whether a proposed block is valid, at once if
// all of its records are here; else it asks peers for them first.
func (e *Engine) checkProposal(p *types.Proposal) []consensus.Event {
	hash := p.Block()
	e.proposals[hash] = p
	if e.ran[hash] != nil {
		return []consensus.Event{consensus.BlockChecked{Block: hash, Valid: true}}
	}
	if ahead := p.Header.Time.Sub(types.TimeOf(time.Now())); ahead > maxDrift && p.ValidRound == types.NoRound {
		e.log.Warn("a proposed block is not valid", "height", p.Height, "round", p.Round, "reason",
			fmt.Sprintf("its time is %v ahead of this node's clock: at most %v is allowed", ahead, maxDrift))
		return []consensus.Event{consensus.BlockChecked{Block: hash}}
	}
	records, missing := e.gather(p)
	if len(missing) > 0 {
		e.fill(p, missing)
		return nil
	}
	return e.judge(p, records)
}

// judge executes a proposed block whose records are all here.
func (e *Engine) judge(p *types.Proposal, records []types.VerifiedRecord) []consensus.Event {
	hash := p.Block()
	x, err := e.chain.execute(p.Header, records)
	if err != nil {
		e.log.Warn("a proposed block is not valid", "height", p.Height, "round", p.Round, "proposer", p.Validator.Short(), "reason", err)
		return []consensus.Event{consensus.BlockChecked{Block: hash}}
	}
	e.ran[hash] = x
	events := []consensus.Event{consensus.BlockChecked{Block: hash, Valid: true}}
	if e.undecided != nil && e.undecided.Block == hash {
		events = append(events, e.decide(e.undecided)...)
	}
	return events
}

// decide commits the block of a certificate. Where the block is not here yet,
// it is fetched, and decided again when it comes.
func (e *Engine) decide(cert *types.Certificate) []consensus.Event {
	x := e.ran[cert.Block]
	if x == nil {
		e.undecided = cert
		time.AfterFunc(fetchSoon, func() { e.call(func() { e.fetch.want(e, cert.Height) }) })
		return nil
	}
	if err := e.commit(x, x.block.Encode(), cert); err != nil {
		e.die(err)
		return nil
	}
	return e.nextHeight()
}

// nextHeight is the events that begin the height above the head.
func (e *Engine) nextHeight() []consensus.Event {
	events := []consensus.Event{e.newHeight()}
	if e.ready {
		events = append(events, consensus.CandidateReady{Ready: true})
	}
	return events
}

// commit makes a block the head and tells everybody who waits for it.
func (e *Engine) commit(x *executed, raw []byte, cert *types.Certificate) error {
	began := time.Now()
	e.mu.Lock()
	err := e.chain.commit(x, raw, cert.Encode())
	e.mu.Unlock()
	if err != nil {
		return err
	}
	e.lastCommit = time.Now()
	e.forget()
	e.clearPool(x.block.Records)
	if err := e.signer.prune(e.chain.head.Height + 1); err != nil {
		return err
	}
	e.audit.committed()
	e.metrics.committed(x.block, time.Since(began))
	e.recent.committed(x.block, cert)
	e.guests.committed(x.block)
	e.log.Debug("committed", "height", x.block.Header.Height, "records", len(x.block.Records), "round", cert.Round, "hash", cert.Block.Short())
	e.ready = e.reason()
	return nil
}

// forget drops what belonged to the height just committed.
func (e *Engine) forget() {
	clear(e.proposals)
	clear(e.checks)
	e.filling.Store(false)
	e.ran = map[types.Hash]*executed{}
	e.undecided = nil
}

// clearPool takes out what a block made obsolete: its records, and those that
// bear a nonce it used.
func (e *Engine) clearPool(records []*types.Record) {
	ids := make([]types.Hash, len(records))
	next := map[types.PublicKey]uint64{}
	for i, r := range records {
		ids[i] = r.ID()
		if key, signed := r.Signer(e.options.Genesis.Authority); signed {
			next[key] = max(next[key], r.Nonce+1)
		}
	}
	e.pool.Remove(ids)
	for key, nonce := range next {
		for _, id := range e.pool.PurgeStale(key, nonce) {
			e.fates.Drop(id, fmt.Sprintf("another record of its signer with the same nonce, or a later one, is in block %d", e.chain.head.Height))
		}
	}
}

// gather collects a proposal's records from the pool, from what this node kept
// and from what peers sent for it; missing are the ids of those it lacks.
func (e *Engine) gather(p *types.Proposal) (records []types.VerifiedRecord, missing []types.Hash) {
	records, missing = e.pool.Collect(p.RecordIDs)
	if len(missing) == 0 {
		return records, nil
	}
	others := map[types.Hash]types.VerifiedRecord{}
	if c := e.signer.kept[p.Block()]; c != nil {
		for _, r := range c.records {
			others[r.ID()] = types.VouchRecord(r) // they were checked before they were kept
		}
	}
	if filled := e.checks[p.Block()]; filled != nil {
		maps.Copy(others, filled.found)
	}
	missing = nil
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

// pendingFill is a proposal whose records are being asked for.
type pendingFill struct {
	proposal *types.Proposal
	found    map[types.Hash]types.VerifiedRecord
	asked    int       // how often
	last     time.Time // when a peer was asked last
}

const (
	// fillRetry is how long an answer is waited for before the next peer is asked.
	fillRetry = 150 * time.Millisecond
	// maxFillTries bounds the asking; by then the round is over, or the block
	// comes as a certified one.
	maxFillTries = 40
)

// fill asks for records of a proposal: its proposer first, then others in turn.
// What is in the intake comes by itself.
func (e *Engine) fill(p *types.Proposal, missing []types.Hash) {
	hash := p.Block()
	pending := e.checks[hash]
	if pending == nil {
		pending = &pendingFill{proposal: p, found: map[types.Hash]types.VerifiedRecord{}}
		e.checks[hash] = pending
		e.filling.Store(true)
	}
	missing = slices.DeleteFunc(missing, e.intake.holds)
	if pending.asked >= maxFillTries || len(missing) == 0 || time.Since(pending.last) < fillRetry {
		return
	}
	to := p.Validator
	if others := e.linked(); pending.asked > 0 && len(others) > 0 {
		to = others[pending.asked%len(others)]
	}
	pending.asked++
	pending.last = time.Now()
	e.options.Links.Send(to, p2p.KindRecordsWanted, (&wanted{hash, missing}).encode())
	time.AfterFunc(fillRetry, func() { e.call(func() { e.refill(hash) }) })
}

// recordsCame tells that the intake let records through: proposals may be
// complete now.
func (e *Engine) recordsCame() {
	if !e.filling.Load() {
		return
	}
	e.call(func() {
		for hash := range e.checks {
			e.refill(hash)
		}
	})
}

// refill tries again to complete a proposal, with what has come since.
func (e *Engine) refill(hash types.Hash) {
	pending := e.checks[hash]
	if pending == nil || e.ran[hash] != nil {
		return
	}
	records, missing := e.gather(pending.proposal)
	if len(missing) > 0 {
		e.fill(pending.proposal, missing)
		return
	}
	for _, event := range e.judge(pending.proposal, records) {
		e.step(event)
	}
}

// filled takes records that a peer sent for a proposal.
func (e *Engine) filled(hash types.Hash, records []types.VerifiedRecord) {
	pending := e.checks[hash]
	if pending == nil {
		return
	}
	wanted := map[types.Hash]bool{}
	for _, id := range pending.proposal.RecordIDs {
		wanted[id] = true
	}
	for _, r := range records {
		if wanted[r.Record().ID()] {
			pending.found[r.Record().ID()] = r
		}
	}
	if _, missing := e.gather(pending.proposal); len(missing) == 0 {
		e.refill(hash)
	}
}

// pack fills a trial with the pool's records, at most so many, and drops what
// can never be in a block.
func (e *Engine) pack(trial *ledger.Trial, most int) []types.VerifiedRecord {
	limits := builder.Limits{Records: most, Bytes: e.options.Config.Builder.MaxBytes}
	packing, err := builder.Pack(trial, e.pool.All(), limits)
	if err != nil {
		e.die(err)
		return nil
	}
	ids := make([]types.Hash, len(packing.Dropped))
	for i, d := range packing.Dropped {
		r := d.Record.Record()
		ids[i] = r.ID()
		e.log.Warn("a record is dropped", "id", r.ID(), "type", r.Type.String(), "reason", d.Err)
		e.fates.Drop(r.ID(), d.Err.Error())
		e.metrics.dropped.Inc()
	}
	e.pool.Remove(ids)
	return packing.Packed
}
