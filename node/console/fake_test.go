package console_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/posnet/posnet/node/console"
	"github.com/posnet/posnet/node/types"
)

// fake is the node behind the console: it notes what it is asked, and makes
// blocks when the test says so.
type fake struct {
	limits console.Limits
	enter  func(balance, bpm uint64) error // may refuse

	mu      sync.Mutex
	entries []entry
	left    []types.PublicKey
	blocks  []*types.Block
	changed chan struct{}
}

type entry struct {
	session      types.PrivateKey
	balance, bpm uint64
}

var alice = types.NewPrivateKey([32]byte{1}).Public()

func newFake() *fake {
	return &fake{limits: console.Limits{Guests: true, MaxGuests: 10, MaxBalance: 1000}, changed: make(chan struct{})}
}

func (f *fake) Limits() console.Limits { return f.limits }

func (f *fake) Enter(_ context.Context, session types.PrivateKey, balance, bpm uint64) error {
	if f.enter != nil {
		if err := f.enter(balance, bpm); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, entry{session, balance, bpm})
	return nil
}

func (f *fake) Leave(session types.PublicKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = append(f.left, session)
}

// entered returns the entries so far.
func (f *fake) entered() []entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

func (f *fake) hasLeft(session types.PublicKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.left, session)
}

// forget makes the node as new.
func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries, f.left = nil, nil
}

// commit makes a block of a winner, with its reading if it is a guest.
func (f *fake) commit(winner types.PublicKey, bpm uint64) *types.Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := &types.Block{Header: types.Header{Height: uint64(len(f.blocks) + 1), Time: 1767225600_000000000, Winner: winner, Proposer: alice}}
	if len(f.blocks) > 0 {
		b.Header.Prev = f.blocks[len(f.blocks)-1].Header.Hash()
	}
	if bpm > 0 {
		b.Records = []*types.Record{(&types.Record{Type: types.Reading, Sender: types.KeyedAccount(winner), BPM: bpm}).Seal()}
	}
	f.blocks = append(f.blocks, b)
	close(f.changed)
	f.changed = make(chan struct{})
	return b
}

func (f *fake) Oldest() uint64 { return 1 }

func (f *fake) Head() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.blocks))
}

func (f *fake) Block(_ context.Context, height uint64) (*types.Block, *types.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if height == 0 || height > uint64(len(f.blocks)) {
		return nil, nil, fmt.Errorf("the fake has no block %d", height)
	}
	return f.blocks[height-1], nil, nil
}

func (f *fake) WaitBlock(ctx context.Context, height uint64) error {
	for {
		f.mu.Lock()
		there, changed := uint64(len(f.blocks)) >= height, f.changed
		f.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Name(key types.PublicKey) string {
	if key == alice {
		return "alice"
	}
	return ""
}

var errFull = errors.New("100 guests are in the draw, as many as this network allows")
