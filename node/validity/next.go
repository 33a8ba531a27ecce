package validity

import (
	"fmt"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Head is the newest block of a chain.
type Head struct {
	Height uint64
	Hash   types.Hash
	Time   types.Time
}

// GenesisHead stands for the block before the first.
func GenesisHead(g *genesis.Genesis) Head { return Head{Hash: g.Network(), Time: g.Time} }

// HeadOf is a block as the newest of its chain.
func HeadOf(h *types.Header) Head { return Head{Height: h.Height, Hash: h.Hash(), Time: h.Time} }

// Next is the height above a head: what its block has to agree with. It holds
// until the state it was made of commits another block. The draw in it belongs
// to one goroutine at a time.
type Next struct {
	Head         Head
	Height       uint64
	Set          *types.ValidatorSet // of Height
	Following    *types.ValidatorSet // of the height above that
	Seed         lottery.Seed
	Draw         *lottery.Draw
	Participants []ledger.Participant

	network types.Hash
	state   *ledger.State                       // nil where it is not known
	hosts   map[types.PublicKey]types.PublicKey // of every participant
}

// After returns the height above head, with the state that head left. The error
// is that of a draw which nobody can take part in, which no valid chain comes to.
func After(state *ledger.State, head Head) (*Next, error) {
	height := head.Height + 1
	n := &Next{
		Head: head, Height: height, Set: state.Validators(height), Following: state.Validators(height + 1), Seed: state.Seed(),
		network: state.Network(), state: state,
	}
	if n.Set == nil {
		return nil, fmt.Errorf("the state is of height %d and the newest block of height %d", state.Height(), head.Height)
	}
	return n, n.draw(state.Participants())
}

// Stateless returns the height above head where the state that head left is not
// known, but its validators, those of the height above it, and the beacon's value are.
// CheckHeader then checks all but the state's digest, and where guests may take part,
// whom nothing but the state tells, no draw: there is none. Nothing can be applied.
func Stateless(network types.Hash, head Head, set, following *types.ValidatorSet, seed lottery.Seed, guests bool) (*Next, error) {
	n := &Next{Head: head, Height: head.Height + 1, Set: set, Following: following, Seed: seed, network: network}
	if guests {
		return n, nil
	}
	return n, n.draw(ledger.Drawn(set, n.Height))
}

// draw makes the draw of those who take part.
func (n *Next) draw(list []ledger.Participant) error {
	n.Participants, n.hosts = list, map[types.PublicKey]types.PublicKey{}
	for _, p := range list {
		n.hosts[p.ID] = p.Host
	}
	var err error
	if n.Draw, err = lottery.NewDraw(n.Seed, n.Height, InDraw(list)); err != nil {
		return fmt.Errorf("height %d: %w", n.Height, err)
	}
	return nil
}

// Network is the id of the chain's network.
func (n *Next) Network() types.Hash { return n.network }

// Stateful reports whether the state that the head left is known.
func (n *Next) Stateful() bool { return n.state != nil }

// InDraw turns the ledger's participants into the lottery's.
func InDraw(list []ledger.Participant) []lottery.Participant {
	out := make([]lottery.Participant, len(list))
	for i, p := range list {
		out[i] = lottery.Participant{ID: p.ID, Weight: p.Weight, Guest: p.Guest}
	}
	return out
}

// Turn returns who was drawn for a round, and who proposes then: the winner
// itself, or the host of a guest. An order used up begins again.
func (n *Next) Turn(round uint32) (winner, proposer types.PublicKey) {
	winner = n.Draw.At(round)
	return winner, n.hosts[winner]
}

// Header returns the header that a block of this height must have, but for
// what its maker chooses: time, records, proof. What is not known is zero.
func (n *Next) Header(round uint32) types.Header {
	h := types.Header{
		Network: n.network, Height: n.Height, Round: round, Prev: n.Head.Hash,
		Validators: n.Set.Hash(), NextValidators: n.Following.Hash(),
	}
	if n.state != nil {
		h.State = n.state.Digest()
	}
	if n.Draw != nil {
		h.Winner, h.Proposer = n.Turn(round)
	}
	return h
}

// CheckNetwork checks that a block is of a network. An error is a *Fault.
func CheckNetwork(h *types.Header, network types.Hash) error {
	if h.Network != network {
		return differ(h.Height, "header.network", "the block is of another network", network, h.Network)
	}
	return nil
}

// CheckHeader checks what a header says against the chain, and returns the
// claim of its proof, which is still to be checked. An error is a *Fault.
func (n *Next) CheckHeader(h *types.Header) (Claim, error) {
	want := n.Header(h.Round)
	if err := CheckNetwork(h, want.Network); err != nil {
		return Claim{}, err
	}
	bad := func(field, what string, expected, found any) (Claim, error) {
		return Claim{}, differ(n.Height, "header."+field, what, expected, found)
	}
	switch {
	case h.Height != n.Height:
		return bad("height", "the block does not follow upon the one before it", n.Height, h.Height)
	case h.Prev != want.Prev:
		return bad("prev", "the block does not follow upon the one before it", want.Prev, h.Prev)
	case h.Time < n.Head.Time:
		return bad("time", "it is before the parent's", "at least "+n.Head.Time.String(), h.Time)
	case n.state != nil && h.State != want.State:
		return bad("state", "the state after the parent has another digest", want.State, h.State)
	case h.Validators != want.Validators:
		return bad("validators", "the validators of this height have another hash", want.Validators, h.Validators)
	case h.NextValidators != want.NextValidators:
		return bad("nextValidators", "the validators of the next height have another hash", want.NextValidators, h.NextValidators)
	case n.Draw != nil && h.Winner != want.Winner:
		return bad("winner", fmt.Sprintf("round %d drew another", h.Round), want.Winner, h.Winner)
	case n.Draw != nil && h.Proposer != want.Proposer:
		return bad("proposer", "it is neither the winner nor its host", want.Proposer, h.Proposer)
	}
	proposer, ok := n.Set.ByKey(h.Proposer)
	if !ok {
		return Claim{}, &Fault{Height: n.Height, Where: "header.proposer", What: h.Proposer.String() + " is no validator of this height"}
	}
	return Claim{Height: n.Height, Key: lottery.VRFPublicKey(proposer.VRFKey), Seed: n.Seed, Proof: lottery.Proof(h.Proof)}, nil
}
