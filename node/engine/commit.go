package engine

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// decided is a block that was executed on the state before it, and what makes
// it final.
type decided struct {
	*executed
	raw  []byte
	cert *types.Certificate
}

// commit makes a block the head and tells everybody who waits for it. After an
// error the node cannot go on.
func (e *Engine) commit(d decided) error {
	began := time.Now()
	e.mu.Lock()
	batch, err := e.chain.advance(d.executed, d.raw, d.cert.Encode())
	if err == nil {
		err = e.publish([]storage.Commit{batch}, d)
	}
	if err != nil {
		e.die(err) // before anybody reads what is not on disk
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.committed(began, d)
}

// publish puts blocks that the chain advanced by on disk, takes their records out
// of the pool, and wakes who waits for them. The caller holds e.mu all the while:
// whoever reads under it sees a block wholly or not at all, and what it has seen
// no crash takes back.
func (e *Engine) publish(changes []storage.Commit, blocks ...decided) error {
	if err := e.chain.write(changes...); err != nil {
		return err
	}
	failpoint.Pass(failpoint.Committed)
	for _, d := range blocks {
		e.clearPool(d.Block.Records)
	}
	failpoint.Pass(failpoint.PoolCleared)
	e.readiness.committed(e.chain.head.Height) // who sees the block is not told that the node is behind it
	for _, d := range blocks {
		e.recent.committed(d.Block, d.cert)
	}
	return nil
}

// committed does what follows upon blocks that everybody sees.
func (e *Engine) committed(began time.Time, blocks ...decided) error {
	now := time.Now()
	e.lastCommit, e.lastTook = now, now.Sub(e.lastCommit)
	took := e.lastCommit.Sub(began) / time.Duration(len(blocks))
	e.forget()
	if err := e.signer.prune(e.chain.head.Height + 1); err != nil {
		return err
	}
	failpoint.Pass(failpoint.SignPruned)
	e.audit.committed()
	e.pruner.committed()
	if err := e.keeper.take(e.chain.settled()); err != nil {
		return err
	}
	for _, d := range blocks {
		e.metrics.committed(d.Block, d.cert, took)
		e.guests.committed(d.executed)
		e.log.Debug("committed", "height", d.Block.Header.Height, "records", len(d.Block.Records), "round", d.cert.Round, "hash", d.cert.Block.Short())
	}
	e.guests.tendAll()
	return nil
}

// see locks the chain for a reader of what is committed, who unlocks e.mu again. Its
// error is that of a node which dies: its chain may be ahead of its disk, and would
// show what a restart takes back.
func (e *Engine) see() error {
	e.mu.RLock()
	if e.Err() != nil {
		e.mu.RUnlock()
		return errStopping
	}
	return nil
}

// forget drops what belonged to the height just committed.
func (e *Engine) forget() {
	e.works = works{}
	e.fills.clear()
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
	_, e.throttle.arrival = e.pool.Remove(ids)
	for key, nonce := range next {
		for _, id := range e.pool.PurgeStale(key, nonce) {
			e.fates.Drop(id, fmt.Sprintf("another record of its signer with the same nonce, or a later one, is in block %d", e.chain.head.Height))
		}
	}
}
