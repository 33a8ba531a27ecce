package source

import (
	"context"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// startTries is how often a node that lets go of its oldest block just then is asked
// for the one that is the oldest now.
const startTries = 10

// Start implements Source. Nodes do not give their state.
func (n *Node) Start(ctx context.Context, g *genesis.Genesis) (*Start, error) {
	first, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	s, err := n.start(ctx)
	for range startTries {
		if !refusedWith(err, message.StatusNotFound) {
			break
		}
		if n.status, err = n.client.Status(ctx); err != nil {
			return nil, err
		}
		s, err = n.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.Handovers, err = n.handovers(ctx, validity.NewTrust(g.Network(), first, 1), s.Height)
	return s, err
}

// start asks for the oldest block and what belongs to it.
func (n *Node) start(ctx context.Context) (*Start, error) {
	height := n.Oldest()
	a, err := n.ask(ctx, height-1, firstBlocks)
	if err != nil {
		return nil, err
	}
	blocks, err := a.decode(height)
	if len(blocks) == 0 && err == nil {
		err = &validity.Fault{Height: height, Where: "block", What: "the node does not give it, and says that it is the oldest here"}
	}
	if len(blocks) == 0 {
		return nil, err
	}
	var draw message.Draw
	err = patiently(ctx, func() error {
		var err error
		draw, err = n.client.Draw(ctx, height, 1)
		return err
	})
	n.first = a
	return &Start{
		Height: height, Prev: blocks[0].Block.Header.Prev, Seed: lottery.Seed(draw.Seed),
		Lacks: "the client API does not give the state: stop the node and verify its folder",
	}, err
}

// handovers asks for all of them, as far as one leads to the next: a node could make up
// others without end. From a height on the last may be wrong, which the blocks show.
func (n *Node) handovers(ctx context.Context, trust *validity.Trust, shown uint64) (Handovers, error) {
	var out Handovers
	for from := trust.Next(); ; {
		var page []message.Handover
		err := patiently(ctx, func() error {
			var err error
			page, err = n.client.Handovers(ctx, from, message.MaxHandovers)
			return err
		})
		if err != nil || len(page) == 0 {
			return out, err
		}
		for i := range page {
			h, err := decodeHandover(&page[i])
			if err != nil {
				return nil, &validity.Fault{Height: page[i].Header.Height, Where: "handover", What: err.Error()}
			}
			if h.Header.Height < from {
				return nil, &validity.Fault{Height: h.Header.Height, Where: "handover", What: "the node does not give the handovers in order"}
			}
			if h.Header.Height > n.Head() {
				return out, nil
			}
			out, from = append(out, h), h.Header.Height+1
			switch err := trust.Take(h.Header, h.Certificate, h.Set); {
			case err != nil && h.Header.Height < shown:
				return nil, err
			case err != nil:
				return out, nil
			}
		}
	}
}

func decodeHandover(shown *message.Handover) (h heights.Handover, err error) {
	if h.Header, err = shown.Header.Types(); err != nil {
		return h, err
	}
	if h.Certificate = shown.Certificate; h.Certificate == nil {
		h.Certificate = &types.Certificate{} // certifies nothing
	}
	h.Set, err = types.NewValidatorSet(shown.Validators)
	return h, err
}
