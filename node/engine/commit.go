package engine

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/types"
)

// commit makes a block the head and tells everybody who waits for it. After an
// error the node cannot go on.
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
	e.clearPool(x.Block.Records)
	if err := e.signer.prune(e.chain.head.Height + 1); err != nil {
		return err
	}
	e.audit.committed()
	e.metrics.committed(x.Block, cert, time.Since(began))
	e.readiness.committed(e.chain.head.Height)
	e.recent.committed(x.Block, cert)
	e.guests.committed(x)
	e.log.Debug("committed", "height", x.Block.Header.Height, "records", len(x.Block.Records), "round", cert.Round, "hash", cert.Block.Short())
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
	e.pool.Remove(ids)
	for key, nonce := range next {
		for _, id := range e.pool.PurgeStale(key, nonce) {
			e.fates.Drop(id, fmt.Sprintf("another record of its signer with the same nonce, or a later one, is in block %d", e.chain.head.Height))
		}
	}
}
