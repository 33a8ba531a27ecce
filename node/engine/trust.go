package engine

import (
	"context"
	"encoding/json"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// What somebody needs who checks the chain by proofs and trusts no node:
// genesis, validators of any height, and how each set handed over to the next.

// Genesis returns what the network began with.
func (e *Engine) Genesis(context.Context) (message.Genesis, error) {
	data, err := json.Marshal(e.options.Genesis)
	return message.Genesis{NetworkID: e.network, Genesis: data}, err
}

// ValidatorSet returns the validators of a height up to the one under way.
func (e *Engine) ValidatorSet(ctx context.Context, height uint64) (*types.ValidatorSet, error) {
	e.mu.RLock()
	next := e.chain.next
	e.mu.RUnlock()
	if height == next.Height {
		return next.Set, nil
	}
	b, _, err := e.Block(ctx, height)
	if err != nil {
		return nil, err
	}
	return e.history.set(b.Header.Validators)
}

// Handovers returns the heights, from one on, whose validators handed over to
// others, the oldest first, at most limit.
func (e *Engine) Handovers(_ context.Context, from uint64, limit int) ([]message.Handover, error) {
	list, err := e.history.handovers(from, limit)
	if err != nil {
		return nil, err
	}
	out := make([]message.Handover, len(list))
	for i, h := range list {
		out[i] = message.Handover{Header: message.NewHeader(h.Header), Certificate: h.Certificate, Validators: h.Set.List()}
	}
	return out, nil
}
