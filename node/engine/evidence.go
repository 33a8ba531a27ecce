package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// A validator that equivocates at every height must not fill the disk, nor hide
// what others do: one piece of evidence convicts.
const (
	maxEvidence    = 1_000
	maxEvidencePer = 10 // of one validator
)

// evidence is the contradicting votes seen so far, by height, as on disk. The
// main loop changes it.
type evidence struct {
	mu   sync.RWMutex
	list []types.Evidence
}

func loadEvidence(store storage.Store) (*evidence, error) {
	kept, err := store.AuxRange([]byte{heights.KeyEvidence}, nil, maxEvidence)
	if err != nil {
		return nil, fmt.Errorf("the stored evidence cannot be read: %w", err)
	}
	v := &evidence{}
	for _, k := range kept {
		one, err := types.DecodeEvidence(k.Value)
		if err != nil {
			return nil, fmt.Errorf("the stored evidence cannot be read: %w: %w", err, errDamaged)
		}
		v.list = append(v.list, one)
	}
	return v, nil
}

// wants reports whether a piece of evidence is news, and there is room for it.
func (v *evidence) wants(one *types.Evidence) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	of := 0
	for i := range v.list {
		if string(heights.EvidenceKey(&v.list[i])) == string(heights.EvidenceKey(one)) {
			return false
		}
		if v.list[i].First.Validator == one.First.Validator {
			of++
		}
	}
	return of < maxEvidencePer && len(v.list) < maxEvidence
}

func (v *evidence) add(one types.Evidence) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list = append(v.list, one)
}

func (v *evidence) count() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.list)
}

// newest returns at most limit pieces, the newest first.
func (v *evidence) newest(limit int) []types.Evidence {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []types.Evidence
	for i := len(v.list) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, v.list[i])
	}
	return out
}

// keepEvidence stores contradicting votes, and sends both to the peers, who may
// have seen but one of them.
func (e *Engine) keepEvidence(one types.Evidence) {
	if !e.evidence.wants(&one) {
		return
	}
	if err := e.options.Data.Store.Put(storage.Change{Key: heights.EvidenceKey(&one), Value: one.Encode()}); err != nil {
		e.die(fmt.Errorf("evidence cannot be written: %w", err))
		return
	}
	e.evidence.add(one)
	first := &one.First
	e.log.Warn("a validator contradicted itself", "validator", e.chain.names[first.Validator], "key", first.Validator.Short(),
		"height", first.Height, "round", first.Round, "kind", first.Kind.String())
	e.options.Links.Broadcast(p2p.KindVote, first.Encode())
	e.options.Links.Broadcast(p2p.KindVote, one.Second.Encode())
}

// Evidence returns contradicting votes, the newest first.
func (e *Engine) Evidence(_ context.Context, limit int) ([]message.Evidence, error) {
	out := []message.Evidence{}
	for _, v := range e.evidence.newest(limit) {
		out = append(out, message.Evidence{
			Validator: v.First.Validator, Name: e.Name(v.First.Validator), Height: v.First.Height, Round: v.First.Round,
			First: v.First, Second: v.Second,
		})
	}
	return out, nil
}
