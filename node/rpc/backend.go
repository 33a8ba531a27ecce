package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Backend is all that the server asks of the node. Every method is safe for
// concurrent use and returns soon, WaitBlock excepted; slices and
// records it returns do not change afterwards.
//
// Any error may be a *message.Error, which chooses the status; other errors
// become 500, those of an ended context 503.
//
// A block shows in all methods at once, when it is on disk and before WaitBlock
// tells of it: once anything has shown it, everything does.
type Backend interface {
	// Busy returns why no merge is taken right now, or nil. It is asked before the
	// records of a merge are read: where there are too many, refusing must cost next
	// to nothing.
	Busy() error
	// Submit takes records into the pool, all or none. It returns why none is taken,
	// or where their fate comes: nil once they are in the pool, or the reason why none
	// is; no channel means that there is nothing to wait for. The records passed
	// CheckForm and nothing else: signatures, network rules and nonces are the
	// backend's to judge. Open records without a time are not sealed yet (Raw is
	// nil): the backend stamps and seals them. The slice and its records are the
	// backend's from then on.
	//
	// A wrong record is a *RecordError. A full pool is 429, a node that is not
	// caught up 503. A record that is in the pool or in a block already is no
	// error: who sends it again, not knowing whether it arrived, finds it there.
	// A connection's calls come in the order of its frames, up to Options.MergeWindow of
	// them without a fate, so that signatures of several can be checked in one batch;
	// those of several connections come concurrently.
	Submit(records []*types.Record) (fate <-chan error, err error)

	// Pool returns the oldest records that wait, at most limit of them, and how
	// many there are in all.
	Pool(ctx context.Context, limit int) (records []*types.Record, total int, err error)
	// PoolSize returns how many records wait, and their encoded bytes. It is
	// asked ten times a second while somebody is subscribed to the pool.
	PoolSize() message.PoolSize

	// Head returns the height of the newest committed block, 0 for genesis.
	Head() uint64
	// Oldest returns the height of the oldest block that the node keeps: 1 while it
	// keeps all.
	Oldest() uint64
	// Block returns the committed block of a height from Oldest to Head, and its
	// certificate.
	Block(ctx context.Context, height uint64) (*types.Block, *types.Certificate, error)
	// WaitBlock returns nil once Head is at least height (at once, if it is
	// already), or the context's error.
	WaitBlock(ctx context.Context, height uint64) error
	// Name returns the name of a validator, be it one of today or one that left,
	// or the empty string.
	Name(validator types.PublicKey) string

	// Status returns the node's state. Ready and NotReady agree with Ready().
	Status(ctx context.Context) (message.Status, error)
	// Ready returns nil if the node is caught up with its peers, else one
	// sentence that says why it is not.
	Ready() error
	// Peers returns the validators this node links with, by name.
	Peers(ctx context.Context) ([]message.Peer, error)
	// Validators returns the validators of a height from 1 to Head+1; 0 stands
	// for Head+1.
	Validators(ctx context.Context, height uint64) (message.Validators, error)
	// ValidatorSet returns the set that the header of a height from 1 to Head
	// binds. 404 where it is not kept.
	ValidatorSet(ctx context.Context, height uint64) (*types.ValidatorSet, error)
	// Handovers returns the heights, from one on, whose validators handed over to
	// others, the oldest first, at most limit. 404 where those of old are not kept.
	Handovers(ctx context.Context, from uint64, limit int) ([]message.Handover, error)
	// Genesis returns what the network began with.
	Genesis(ctx context.Context) (message.Genesis, error)
	// Balance returns the state of an account; one that never was has 0.
	Balance(ctx context.Context, account types.Account) (message.Balance, error)
	// Record returns the fate of a record, or 404.
	Record(ctx context.Context, id types.Hash) (message.Record, error)
	// Winners returns the winners up to a height from 1 to Head, newest first, at
	// most limit; 0 stands for Head.
	Winners(ctx context.Context, height uint64, limit int) ([]message.Winner, error)
	// Draw returns the lottery of a height from 1 to Head+1, with at most limit
	// places of its order; 0 stands for Head+1. 404 where it is not known.
	Draw(ctx context.Context, height uint64, limit int) (message.Draw, error)
	// Fairness returns the judgment over all draws; no number in it is NaN or
	// infinite, which JSON does not have.
	Fairness(ctx context.Context) (message.Fairness, error)
	// Evidence returns contradicting votes, the newest first, at most limit.
	Evidence(ctx context.Context, limit int) ([]message.Evidence, error)
}

// RecordError says which record of a merge is wrong. Err is a *types.FieldError
// where one field is to blame; else a sentence that can stand after a colon.
type RecordError struct {
	Index  int // the record's place in the slice
	Status int // 0 stands for message.StatusBad
	Err    error
}

// Error implements error: "pool[2].amount is -5: it must be …".
func (e *RecordError) Error() string {
	var f *types.FieldError
	if errors.As(e.Err, &f) {
		return fmt.Sprintf("pool[%d].%v", e.Index, f)
	}
	return fmt.Sprintf("pool[%d]: %v", e.Index, e.Err)
}

// Unwrap returns Err.
func (e *RecordError) Unwrap() error { return e.Err }
