package client_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var network = types.SumHash([]byte("a network for tests"))

// validators is the only validator there is.
var validators = func() *types.ValidatorSet {
	set, err := types.NewValidatorSet([]types.Validator{{Name: "alice", Key: types.PublicKey{1}, VRFKey: types.PublicKey{2}, Stake: 1, DrawFrom: 1}})
	if err != nil {
		panic(err)
	}
	return set
}()

// fake is the node behind a real API server: each test sets what it needs, and
// asking for more fails the test by a nil call.
type fake struct {
	rpc.Backend
	merge   func(records []*types.Record) error
	balance func(types.Account) message.Balance

	mu      sync.Mutex
	blocks  []*types.Block
	changed chan struct{}
}

func newFake() *fake {
	return &fake{merge: func([]*types.Record) error { return nil }, changed: make(chan struct{})}
}

func (f *fake) Busy() error { return nil }

func (f *fake) Submit(records []*types.Record) (<-chan error, error) {
	fate := make(chan error, 1)
	go func() { fate <- f.merge(records) }()
	return fate, nil
}

func (f *fake) Balance(_ context.Context, a types.Account) (message.Balance, error) {
	return f.balance(a), nil
}

func (f *fake) Status(context.Context) (message.Status, error) {
	return message.Status{Name: "alice", Height: f.Head()}, nil
}

func (f *fake) Name(types.PublicKey) string { return "alice" }

func (f *fake) PoolSize() message.PoolSize { return message.PoolSize{} }

func (f *fake) Oldest() uint64 { return 1 }

func (f *fake) Head() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.blocks))
}

// commit makes a block of records.
func (f *fake) commit(records ...*types.Record) *types.Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := &types.Block{Records: records}
	b.Header = types.Header{
		Network: network, Height: uint64(len(f.blocks) + 1), Time: 1767225600_000000001, RecordsRoot: types.MerkleRoot(b.IDs()), Records: uint32(len(records)),
		Validators: validators.Hash(),
	}
	f.blocks = append(f.blocks, b)
	close(f.changed)
	f.changed = make(chan struct{})
	return b
}

func (f *fake) Block(_ context.Context, height uint64) (*types.Block, *types.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.blocks[height-1]
	return b, &types.Certificate{Height: height, Block: b.Header.Hash()}, nil
}

func (f *fake) ValidatorSet(context.Context, uint64) (*types.ValidatorSet, error) {
	return validators, nil
}

func (f *fake) Record(_ context.Context, id types.Hash) (message.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.blocks {
		for i, r := range b.Records {
			if r.ID() == id {
				return message.Record{ID: id, State: message.Committed, Height: b.Header.Height, Index: uint32(i), Record: &message.Item{Record: r}, Head: uint64(len(f.blocks))}, nil
			}
		}
	}
	return message.Record{}, message.Errorf(message.StatusNotFound, "No record %s is known here", id)
}

func (f *fake) Winners(_ context.Context, height uint64, limit int) ([]message.Winner, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if height == 0 {
		height = uint64(len(f.blocks))
	}
	var out []message.Winner
	for ; height > 0 && len(out) < limit; height-- {
		h := f.blocks[height-1].Header
		out = append(out, message.NewWinner(&h, h.Hash(), "alice"))
	}
	return out, nil
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

func start(t testing.TB, backend rpc.Backend) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- rpc.New(backend, rpc.Options{}).Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// dial starts a server for the length of the test and connects to it.
func dial(t testing.TB, backend rpc.Backend, o client.Options) (*client.Client, context.Context) {
	t.Helper()
	address, stop := start(t, backend)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	c, err := client.Dial(ctx, address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, ctx
}
