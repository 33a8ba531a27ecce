package console

import (
	"context"

	"github.com/posnet/posnet/node/types"
)

// Limits is what guests are allowed.
type Limits struct {
	Guests     bool   // whether there are guests at all
	MaxGuests  int    // sessions in the draw at a time, over all nodes
	MaxBalance uint64 // tokens one guest may bring
}

// Backend is all that the console asks of the node. Every method is safe for
// concurrent use. Head, Oldest, Block, WaitBlock and Name are those of rpc.Backend.
type Backend interface {
	// Limits returns what this network allows guests. It does not change.
	Limits() Limits

	// Enter puts a guest's reading into the pool: an entry record, signed by the
	// session's key, which the backend keeps until Leave, because it signs the
	// guest's reading when the guest wins. The first call brings the guest into
	// the draw; later ones come with the same balance and replace a reading that
	// still waits. An error is one sentence for the person: too many guests, not
	// ready, pool full. After an error of the first call the guest is not in.
	Enter(ctx context.Context, session types.PrivateKey, balance, bpm uint64) error
	// Leave takes a guest out of the draw, with a leave record if an entry is on
	// its way or on the chain, and forgets the key. It cannot fail: what stands
	// in its way is tried again by the backend. It may be called for a session
	// that never entered, and again.
	Leave(session types.PublicKey)

	// Head returns the height of the newest committed block, 0 for genesis.
	Head() uint64
	// Oldest returns the height of the oldest block that the node keeps: 1 while it
	// keeps all.
	Oldest() uint64
	// Block returns the committed block of a height from Oldest to Head.
	Block(ctx context.Context, height uint64) (*types.Block, *types.Certificate, error)
	// WaitBlock returns nil once Head is at least height, or the context's error.
	WaitBlock(ctx context.Context, height uint64) error
	// Name returns the name of a validator, or the empty string.
	Name(validator types.PublicKey) string
}
