package source

import (
	"sort"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// Start is what a source that has not all blocks says of where its chain begins.
type Start struct {
	Height    uint64       // of the first block that Read gives
	Prev      types.Hash   // of the block below
	Seed      lottery.Seed // the beacon's value of Height
	Handovers Handovers

	// State is that before one of the blocks, nil if the source has none, and Lacks
	// says why it is not the one before the first; "" if it is.
	State *ledger.State
	Lacks string
	// Wrong is what must be wrong with the source's state if nothing is with the blocks.
	Wrong *validity.Fault
}

// Handovers are those of a chain from its genesis on, the oldest first.
type Handovers []heights.Handover

// Set returns the validators of a height, to whom the handovers below it lead from
// the first ones.
func (h Handovers) Set(first *types.ValidatorSet, height uint64) *types.ValidatorSet {
	i := sort.Search(len(h), func(i int) bool { return h[i].Header.Height >= height })
	if i == 0 {
		return first
	}
	return h[i-1].Set
}
