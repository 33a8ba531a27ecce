package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// build makes a candidate block for the winner of a round, or none if there is
// no reason for one.
func (e *Engine) build(a consensus.BuildBlock) consensus.Event {
	none := consensus.BlockBuilt{Height: a.Height, Round: a.Round}
	if a.Height != e.chain.head.Height+1 || !e.hasReason(a.Winner) {
		return none
	}
	vrf, _ := lottery.NewVRFKey(e.options.Keys.VRF.Seed())
	proof := lottery.Prove(vrf, e.chain.next.Seed, a.Height)
	output, err := lottery.ProofToOutput(proof)
	if err != nil {
		e.die(fmt.Errorf("the VRF key makes no proofs: %w", err))
		return none
	}
	c, err := e.compose(a.Winner, output)
	if err != nil {
		e.log.Warn("no candidate block", "height", a.Height, "winner", a.Winner.Short(), "reason", err)
		return none
	}
	if c == nil {
		return none
	}
	block := &types.Block{Records: make([]*types.Record, len(c.records))}
	for i, r := range c.records {
		block.Records[i] = r.Record()
	}
	ids := block.IDs()
	block.Header = e.chain.next.Header(a.Round)
	block.Header.Time = max(e.chain.head.Time, types.TimeOf(time.Now()))
	block.Header.RecordsRoot, block.Header.Records = types.MerkleRoot(ids), uint32(len(ids))
	block.Header.Proof = types.VRFProof(proof)
	e.works.of(block.Header.Hash()).executed = &executed{&validity.Executed{Block: block, Delta: c.delta}, c.reading}
	return consensus.BlockBuilt{Height: a.Height, Round: a.Round, Block: &block.Header, RecordIDs: ids}
}

// composed is the records of a candidate block, and what they change.
type composed struct {
	records []types.VerifiedRecord
	delta   *ledger.Delta
	reading int // which of the guest's readings is in, where a guest won
}

// compose chooses the records of a block in a winner's name; nil means that
// there is nothing to make a block of.
func (e *Engine) compose(winner types.PublicKey, output lottery.Output) (*composed, error) {
	c := &composed{}
	trial := e.chain.state.Begin(e.chain.head.Height+1, winner, e.self)
	limits := builder.Limits{Records: e.options.Config.Builder.MaxRecords, Bytes: e.options.Config.Builder.MaxBytes}
	if winner != e.self { // room for the guest's reading
		limits.Records--
		limits.Bytes = max(0, limits.Bytes-types.MaxRecordBytes)
	}
	c.records = e.pack(trial, limits)
	if winner != e.self {
		reading, which, err := e.guests.reading(winner, trial)
		if err != nil {
			return nil, err
		}
		c.records, c.reading = append(c.records, reading), which
	}
	if len(c.records) == 0 && !e.reasonWhenEmpty(winner) {
		return nil, nil
	}
	var err error
	c.delta, err = trial.Finish(output)
	return c, err
}

// pack fills a trial with the pool's records, and drops what can never be in a
// block.
func (e *Engine) pack(trial *ledger.Trial, limits builder.Limits) []types.VerifiedRecord {
	packing, err := builder.Pack(trial, e.pool.All(), limits)
	if err != nil {
		e.die(err)
		return nil
	}
	if len(packing.Dropped) > 0 {
		e.drop(packing.Dropped)
	}
	return packing.Packed
}

// drop takes records out of the pool, and says why where anybody can find it. A
// record that came again just when it was committed is no news.
func (e *Engine) drop(list []builder.Dropped) {
	ids := make([]types.Hash, len(list))
	for i, d := range list {
		r := d.Record.Record()
		ids[i] = r.ID()
		if _, _, committed, err := e.options.Data.Store.Place(r.ID()); err == nil && committed {
			continue
		}
		e.warn("a record is dropped", "", "id", r.ID(), "type", r.Type.String(), "reason", refusedReason(d.Err))
		e.fates.Drop(r.ID(), d.Err.Error())
		e.metrics.dropped.Inc()
	}
	e.pool.Remove(ids)
}

// refusedReason is what a record was refused for, as one sentence.
func refusedReason(err error) string {
	var r *ledger.Refusal
	if errors.As(err, &r) {
		return r.Error()
	}
	return err.Error()
}
