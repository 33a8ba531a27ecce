// Package source reads chains that are to be verified, from a data folder or
// from a node's client API. Nobody believes what it gives: that is what the
// verifier is for.
package source

import (
	"context"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// Source gives the blocks of one chain.
type Source interface {
	// Label is what a person calls it: a folder or an address.
	Label() string
	// Network is the id of the network that the source says it is of.
	Network() types.Hash
	// Genesis returns the genesis that the source has, and says where it is from.
	Genesis(ctx context.Context) (g *genesis.Genesis, from string, err error)
	// Head is the height of the newest block as the source said when it was
	// opened; 0 if there is none.
	Head() uint64
	// Oldest is the height of the oldest block that the source has: 1 if it has all.
	Oldest() uint64
	// Start returns what the source says of the height at which Read begins, where that
	// is not 1. A source that is about to let go of blocks may begin above Oldest.
	// The error is a *validity.Fault where the chain is damaged, and says what failed
	// where the source is.
	Start(ctx context.Context, g *genesis.Genesis) (*Start, error)
	// Read calls yield for pieces of the chain, from Oldest to Head in order,
	// until yield returns false. The error is a *validity.Fault where the chain
	// is damaged, and says what failed where the source is.
	Read(ctx context.Context, yield func(Piece) bool) error
	// Compare checks what the source says of a state, which is that after Head or
	// that before it, for nodes store it a height late; nil where it says nothing of
	// that one. The error is a *validity.Fault, or says what failed. It may be called
	// while Read is under way.
	Compare(state *ledger.State) error
	// Beside checks what the source keeps of a block's height beside the block, which was
	// verified; before is the height as it was before it. The error is a *validity.Fault. It
	// may be called by several goroutines, while Read is under way.
	Beside(b Block, before *validity.Next) error
	// Close ends the use of the source.
	Close() error
}

// Piece is some blocks in a row as they were read. It decodes them, on any
// goroutine; with an error, as Read's, come those before the first that is
// wrong.
type Piece func() ([]Block, error)

// Block is a block with its certificate. Neither is nil.
type Block struct {
	Block       *types.Block
	Certificate *types.Certificate
}
