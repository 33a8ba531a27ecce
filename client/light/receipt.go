package light

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Receipt is all that convinces somebody who knows a network's id, and nothing
// else of it, that a record is in its chain. It needs no network to be checked,
// and is kept as JSON.
type Receipt struct {
	Genesis   json.RawMessage    `json:"genesis"`   // its hash is the network's id
	Handovers []message.Handover `json:"handovers"` // all below the block, the oldest first
	Proof     message.Proof      `json:"proof"`
	Record    message.Item       `json:"record"`
}

// Checked is what a receipt says, once it was checked.
type Checked struct {
	Genesis *genesis.Genesis
	Network types.Hash // whether it is the right one is for the reader to say
	Header  *types.Header
	Signers []types.Validator // who certified the block
	Signed  uint64            // the stake of the signers
	Total   uint64            // the stake of all
}

// Fetch gets the receipt of a committed record from a node, and checks it. The
// node need not be trusted, but for the genesis: compare the network's id.
func Fetch(ctx context.Context, c *client.Client, id types.Hash) (*Receipt, *Checked, error) {
	start, err := c.Genesis(ctx)
	if err != nil {
		return nil, nil, err
	}
	r := &Receipt{Genesis: start.Genesis}
	if r.Proof, err = c.Proof(ctx, id); err != nil {
		return nil, nil, err
	}
	fate, err := c.Record(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if r.Proof.ID != id || fate.Record == nil {
		return nil, nil, fmt.Errorf("the node proves another record than %s", id)
	}
	r.Record = *fate.Record
	r.Record.WithID = true
	g, err := genesis.Parse(r.Genesis)
	if err != nil {
		return nil, nil, fmt.Errorf("what the node gives as its genesis: %w", err)
	}
	trust, err := New(g)
	if err != nil {
		return nil, nil, err
	}
	if r.Handovers, err = trust.Follow(ctx, c, r.Proof.Height); err != nil {
		return nil, nil, err
	}
	if r.Handovers == nil {
		r.Handovers = []message.Handover{}
	}
	checked, err := r.Check()
	return r, checked, err
}

// Check checks all of the receipt. Whether the network is the one that the
// reader means, its id says.
func (r *Receipt) Check() (*Checked, error) {
	g, err := genesis.Parse(r.Genesis)
	if err != nil {
		return nil, err
	}
	trust, err := New(g)
	if err != nil {
		return nil, err
	}
	for i := range r.Handovers {
		if err := trust.Take(&r.Handovers[i]); err != nil {
			return nil, err
		}
	}
	if err := trust.CheckProof(&r.Proof); err != nil {
		return nil, err
	}
	if r.Record.Record == nil || r.Record.ID() != r.Proof.ID {
		return nil, fmt.Errorf("the record in the receipt is not the one that is proved, %s", r.Proof.ID)
	}
	header, err := r.Proof.Header.Types()
	if err != nil {
		return nil, err
	}
	out := &Checked{Genesis: g, Network: trust.Network(), Header: header}
	set, err := types.NewValidatorSet(r.Proof.Validators)
	if err != nil {
		return nil, err
	}
	out.Total = set.Total()
	for _, s := range r.Proof.Certificate.Signatures {
		if v, ok := set.ByKey(s.Validator); ok {
			out.Signers = append(out.Signers, v)
			out.Signed += v.Stake
		}
	}
	return out, nil
}
