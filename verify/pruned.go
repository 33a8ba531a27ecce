package verify

import (
	"context"
	"fmt"

	"github.com/posnet/posnet/node/replay"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/verify/source"
)

// startLate has the chain begin at the oldest block that the source has. Its
// validators are those to whom the ones of the genesis handed over, each set by a
// quorum of the one before; they certify the block, and so all that its header binds:
// the hash of the block below, the digest of the state before, and by its proof the
// beacon's value.
func (r *run) startLate(ctx context.Context) error {
	oldest, head := r.Source.Oldest(), r.Source.Head()
	if oldest > head {
		return fmt.Errorf("%s has no block to verify: the node went on from a snapshot of the state after block %d, and has none above it yet", r.Source.Label(), head)
	}
	r.result.Tally.From, r.result.Tally.Head = oldest, validity.Head{Height: oldest - 1} // whatever comes of it
	s, err := r.Source.Start(ctx, r.Genesis)
	if err != nil {
		return err
	}
	first, err := r.Genesis.ValidatorSet()
	if err != nil {
		return err
	}
	if err := r.follow(s, first); err != nil {
		return err
	}
	below := validity.Head{Height: s.Height - 1, Hash: s.Prev}
	sets := func(height uint64) *types.ValidatorSet { return s.Handovers.Set(first, height) }
	if r.chain, err = replay.NewAt(r.Genesis, below, s.Seed, sets); err != nil {
		return err
	}
	r.result.Tally, r.result.Lacks, r.state, r.wrong = replay.NewTally(r.chain), s.Lacks, s.State, s.Wrong
	return r.checkTrusted(below)
}

// follow checks that the handovers lead from the first validators to those of the
// height at which the chain begins. What comes above it the blocks themselves show; but
// what is found among handovers is found by their order.
func (r *run) follow(s *source.Start, first *types.ValidatorSet) error {
	trust, last := validity.NewTrust(r.Genesis.Network(), first, 1), uint64(0)
	for _, h := range s.Handovers {
		if h.Header.Height <= last {
			return &validity.Fault{Height: h.Header.Height, Where: "handover", What: fmt.Sprintf("it comes after that of height %d", last)}
		}
		if last = h.Header.Height; last >= s.Height {
			continue
		}
		if err := trust.Take(h.Header, h.Certificate, h.Set); err != nil {
			return err
		}
		r.result.Handovers++
	}
	return nil
}

// addOne adds a block to the chain, which takes over the source's state where it is
// the one before the block.
func (r *run) addOne(b *replay.Opened) (*replay.Step, error) {
	if at := r.chain.Next().Head.Height; r.state != nil && r.state.Height() == at {
		if err := r.chain.Adopt(r.state); err != nil {
			return nil, &validity.Fault{Height: at, Where: "stored state", What: err.Error()}
		}
		r.state = nil
	}
	return r.chain.Add(b)
}

// checkTrusted checks that a block is the one that somebody vouches for, if that is
// of its height.
func (r *run) checkTrusted(head validity.Head) error {
	switch t := r.Trusted; {
	case t == nil || t.Height != head.Height:
		return nil
	case t.Hash != head.Hash:
		return &validity.Fault{Height: head.Height, Where: "block", What: "it is another than the one you trust", Expected: t.Hash.String(), Found: head.Hash.String()}
	}
	r.result.Trusted = true
	return nil
}
