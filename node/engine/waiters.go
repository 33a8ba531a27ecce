package engine

import (
	"context"
	"sync"

	"github.com/posnet/posnet/node/types"
)

// recentBlocks is how many of the newest blocks are kept decoded: whoever
// follows the chain asks for each of them at the moment it is committed. Of
// large blocks it is fewer: together they hold recentRecords at most, some 70 MB,
// but for the newest.
const (
	recentBlocks  = 16
	recentRecords = 100_000
)

// recent keeps the newest blocks at hand and wakes who waits for the next.
type recent struct {
	mu     sync.Mutex
	height uint64
	blocks [recentBlocks]certified
	next   chan struct{} // closed when there is another block
}

func newRecent(height uint64) *recent { return &recent{height: height, next: make(chan struct{})} }

func (r *recent) committed(b *types.Block, cert *types.Certificate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.height = b.Header.Height
	r.blocks[r.height%recentBlocks] = certified{Block: b, Certificate: cert}
	r.shrink()
	close(r.next)
	r.next = make(chan struct{})
}

// restart goes on from a height whose block is not here.
func (r *recent) restart(height uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.height, r.blocks = height, [recentBlocks]certified{}
	close(r.next)
	r.next = make(chan struct{})
}

// shrink lets go of the oldest blocks that go over recentRecords.
func (r *recent) shrink() {
	records := 0
	for back := range uint64(recentBlocks) {
		c := &r.blocks[(r.height-back)%recentBlocks]
		if c.Block == nil {
			continue
		}
		if records += len(c.Block.Records); records > recentRecords && back > 0 {
			*c = certified{}
		}
	}
}

// head returns the newest height, and a channel that is closed at the next.
func (r *recent) head() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.height, r.next
}

func (r *recent) block(height uint64) (*types.Block, *types.Certificate, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.blocks[height%recentBlocks]
	if c.Block == nil || c.Block.Header.Height != height {
		return nil, nil, false
	}
	return c.Block, c.Certificate, true
}

// records returns the records of one of the newest blocks, or nil.
func (r *recent) records(hash types.Hash) []*types.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.blocks {
		if c.Block != nil && c.Certificate.Block == hash {
			return c.Block.Records
		}
	}
	return nil
}

// Head returns the height of the newest committed block, 0 for genesis.
func (e *Engine) Head() uint64 {
	height, _ := e.recent.head()
	return height
}

// WaitBlock returns nil once the chain has a block of that height. Its errors
// are the context's and that of a node that stops.
func (e *Engine) WaitBlock(ctx context.Context, height uint64) error {
	for {
		head, next := e.recent.head()
		if head >= height {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ctx.Done():
			return errStopping
		}
	}
}

// Block returns a committed block and its certificate.
func (e *Engine) Block(_ context.Context, height uint64) (*types.Block, *types.Certificate, error) {
	if b, c, ok := e.recent.block(height); ok {
		return b, c, nil
	}
	return readBlock(e.options.Data.Store, height)
}
