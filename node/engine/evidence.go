package engine

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// maxEvidence is how many pieces of evidence a node keeps: one convicts, and a
// validator that equivocates at every height must not fill the disk.
const maxEvidence = 1_000

// evidence is the contradicting votes seen so far, oldest first, as on disk.
type evidence struct {
	mu   sync.RWMutex
	list []types.Evidence
}

func loadEvidence(store storage.Store) (*evidence, error) {
	kept, err := store.AuxRange([]byte{keyEvidence}, nil, maxEvidence)
	if err != nil {
		return nil, err
	}
	v := &evidence{}
	for _, k := range kept {
		one, err := types.DecodeEvidence(k.Value)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, one)
	}
	return v, nil
}

func (v *evidence) count() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.list)
}

// keepEvidence stores contradicting votes.
func (e *Engine) keepEvidence(one types.Evidence) {
	first := one.First
	e.log.Warn("a validator contradicted itself", "validator", first.Validator.Short(), "height", first.Height, "round", first.Round, "kind", first.Kind.String())
	e.evidence.mu.Lock()
	defer e.evidence.mu.Unlock()
	if len(e.evidence.list) >= maxEvidence {
		return
	}
	raw := one.Encode()
	hash := types.SumHash(raw)
	key := append(binary.BigEndian.AppendUint64([]byte{keyEvidence}, first.Height), hash[:]...)
	if err := e.options.Data.Store.Put(storage.Change{Key: key, Value: raw}); err != nil {
		e.die(err)
		return
	}
	e.evidence.list = append(e.evidence.list, one)
}

// Evidence returns contradicting votes, the newest first.
func (e *Engine) Evidence(_ context.Context, limit int) ([]message.Evidence, error) {
	e.evidence.mu.RLock()
	defer e.evidence.mu.RUnlock()
	out := []message.Evidence{}
	for i := len(e.evidence.list) - 1; i >= 0 && len(out) < limit; i-- {
		v := e.evidence.list[i]
		out = append(out, message.Evidence{
			Validator: v.First.Validator, Name: e.Name(v.First.Validator), Height: v.First.Height, Round: v.First.Round,
			First: v.First, Second: v.Second,
		})
	}
	return out, nil
}
