package forge

import (
	"encoding/json"
	"slices"

	"github.com/posnet/posnet/client/light"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Handovers returns the handovers below a height, as a node would.
func (c *Chain) Handovers(below uint64) []message.Handover {
	list := []message.Handover{}
	for _, h := range c.handovers(1, below) {
		list = append(list, message.Handover{Header: message.NewHeader(h.Header), Certificate: h.Certificate, Validators: h.Set.List()})
	}
	return list
}

func (c *Chain) handovers(from, below uint64) (list []heights.Handover) {
	for i, b := range c.Blocks {
		if h := &b.Header; h.Height >= from && h.Height < below && h.NextValidators != h.Validators {
			next := c.Next.Set
			if i+1 < len(c.Blocks) {
				next = c.Blocks[i+1].Set
			}
			list = append(list, heights.Handover{Header: h, Certificate: b.Certificate, Set: next})
		}
	}
	return list
}

// Receipt returns the receipt of a record of a block, as a node would.
func (c *Chain) Receipt(height uint64, index int) *light.Receipt {
	start, err := json.Marshal(c.Genesis)
	must(err)
	b := c.Blocks[height-1]
	r := b.Records[index]
	return &light.Receipt{
		Genesis: start, Handovers: c.Handovers(height), Record: message.Item{Record: r, WithID: true},
		Proof: message.Proof{
			ID: r.ID(), Height: height, Index: uint32(index), Count: b.Header.Records, Root: b.Header.RecordsRoot,
			Path: slices.Clone(types.MerkleProof(b.IDs(), index)), Header: message.NewHeader(&b.Header), Certificate: b.Certificate, Validators: b.Set.List(),
		},
	}
}
