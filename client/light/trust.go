// Package light is for whoever trusts the id of a network and no node of it. It
// follows the validators from the genesis on by the blocks at which they handed
// over to others, and checks by them what nodes claim; of the rest of the chain
// it needs nothing.
//
// That is sound while of no validator set a third or more ever misbehaves, not
// even after it has left: what the chain itself rests on.
package light

import (
	"context"
	"fmt"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Trust is the validator sets that are known to be a network's. It is used by
// one goroutine at a time.
type Trust struct {
	network types.Hash
	sets    map[types.Hash]known // by their hash
	next    uint64               // the first height whose handover is not known yet
}

// known is a set with the first height that is known to have it.
type known struct {
	set  *types.ValidatorSet
	from uint64
}

// New returns the trust in a network's first validators.
func New(g *genesis.Genesis) (*Trust, error) {
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	return &Trust{network: g.Network(), sets: map[types.Hash]known{set.Hash(): {set, 1}}, next: 1}, nil
}

// Network is the network's id.
func (t *Trust) Network() types.Hash { return t.network }

// Next is the height from which on handovers are still to be taken.
func (t *Trust) Next() uint64 { return t.next }

// Take trusts the validators that a trusted set handed over to. Handovers come
// in order. After an error all is as before.
func (t *Trust) Take(h *message.Handover) error {
	height := h.Header.Height
	if height < t.next {
		return fmt.Errorf("the handover at height %d comes after that of height %d: they must come in order", height, t.next-1)
	}
	by, err := t.set(h.Header.Validators, height)
	if err != nil {
		return fmt.Errorf("the handover at height %d: %w", height, err)
	}
	set, err := h.Verify(t.network, by)
	if err != nil {
		return err
	}
	if _, again := t.sets[set.Hash()]; !again {
		t.sets[set.Hash()] = known{set, height + 1}
	}
	t.next = height + 1
	return nil
}

// CheckProof checks that a record is in a block of the network, certified by
// validators that are trusted.
func (t *Trust) CheckProof(p *message.Proof) error {
	set, err := t.set(p.Header.Validators, p.Header.Height)
	if err != nil {
		return fmt.Errorf("the proof of record %s: %w", p.ID.Short(), err)
	}
	return p.Verify(t.network, set)
}

// set returns a trusted set by its hash, for a height.
func (t *Trust) set(hash types.Hash, height uint64) (*types.ValidatorSet, error) {
	k, ok := t.sets[hash]
	if !ok || height < k.from {
		return nil, fmt.Errorf("nothing that is trusted leads to the validators %s of height %d: a handover is missing, or it is another network's", hash.Short(), height)
	}
	return k.set, nil
}

// Follow takes the handovers below a height from a node, which need not be
// trusted, and returns them.
func (t *Trust) Follow(ctx context.Context, c *client.Client, height uint64) ([]message.Handover, error) {
	var taken []message.Handover
	for {
		list, err := c.Handovers(ctx, t.next, 0)
		if err != nil {
			return taken, err
		}
		for i := range list {
			if list[i].Header.Height >= height {
				return taken, nil
			}
			if err := t.Take(&list[i]); err != nil {
				return taken, err
			}
			taken = append(taken, list[i])
		}
		if len(list) == 0 {
			return taken, nil
		}
	}
}
