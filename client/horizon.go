package client

import (
	"sync/atomic"

	"github.com/posnet/posnet/node/rpc/message"
)

// Horizon is how far somebody has seen a chain. Clients that share one never read
// behind it, whichever nodes they talk to: Balance, Record, Proof, Block, Blocks
// and Winners wait until their node has the newest block that any of the clients
// was shown by an answer or by news. So what one has seen committed all see from
// then on. A node that does not get there within some seconds answers with a 503,
// and another may be asked.
//
// The zero value has seen nothing. It is safe for concurrent use.
type Horizon struct{ height atomic.Uint64 }

// Height returns the height of the newest block seen, 0 for none.
func (h *Horizon) Height() uint64 { return h.height.Load() }

// Saw notes that a block of some height exists, where it was heard of elsewhere.
func (h *Horizon) Saw(height uint64) {
	for {
		known := h.height.Load()
		if height <= known || h.height.CompareAndSwap(known, height) {
			return
		}
	}
}

// horizonArgs is what a read asks of the node's height.
type horizonArgs struct {
	MinHeight uint64 `json:"minHeight,omitempty"`
}

func (c *Client) horizonArgs() horizonArgs {
	if c.horizon == nil {
		return horizonArgs{}
	}
	return horizonArgs{c.horizon.Height()}
}

func (c *Client) saw(height uint64) {
	if c.horizon != nil {
		c.horizon.Saw(height)
	}
}

// sawNews notes the height that news tells of.
func (c *Client) sawNews(e *message.Event) {
	switch {
	case e.Block != nil:
		c.saw(e.Block.Index)
	case e.Winner != nil:
		c.saw(e.Winner.Height)
	}
}
