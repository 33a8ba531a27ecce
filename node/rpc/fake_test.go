package rpc_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// fake is a node of one validator in memory, enough to show the protocol: it
// takes everything, makes a block of every three records, and has a clock that
// ticks once a second from 2026 on.
type fake struct {
	key types.PrivateKey

	mu      sync.Mutex
	clock   types.Time
	pool    []*types.Record
	blocks  []*types.Block
	places  map[types.Hash]place
	changed chan struct{}

	ready error
	busy  error // why no merge is taken
	// merging is called before a merge enters the pool, and may refuse it.
	merging func(records []*types.Record) error
}

type place struct {
	height uint64
	index  int
}

var network = types.SumHash([]byte("a network for tests"))

func seededKey(seed byte) types.PrivateKey { return types.NewPrivateKey([32]byte{seed}) }

func newFake() *fake {
	return &fake{key: seededKey(1), clock: 1767225600_000000000, places: map[types.Hash]place{}, changed: make(chan struct{})}
}

func (f *fake) tick() types.Time {
	f.clock += 1_000000000
	return f.clock
}

func (f *fake) Busy() error { return f.busy }

func (f *fake) Submit(records []*types.Record) (<-chan error, error) {
	fate := make(chan error, 1)
	go func() { fate <- f.merge(records) }()
	return fate, nil
}

func (f *fake) merge(records []*types.Record) error {
	if f.merging != nil {
		if err := f.merging(records); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range records {
		if r.Raw() == nil {
			r.Time = f.tick()
			r.Seal()
		}
		f.pool = append(f.pool, r)
	}
	if len(f.pool) >= 3 {
		f.commit()
	}
	return nil
}

// commit makes a block of the pool. f.mu is held.
func (f *fake) commit() {
	prev := network
	if len(f.blocks) > 0 {
		prev = f.blocks[len(f.blocks)-1].Header.Hash()
	}
	b := &types.Block{Records: f.pool}
	b.Header = types.Header{
		Network: network, Height: uint64(len(f.blocks) + 1), Time: f.tick(), Prev: prev, RecordsRoot: types.MerkleRoot(b.IDs()),
		Records: uint32(len(f.pool)), Validators: f.set().Hash(), NextValidators: f.set().Hash(), Winner: f.key.Public(), Proposer: f.key.Public(),
	}
	f.blocks, f.pool = append(f.blocks, b), nil
	for i, r := range b.Records {
		f.places[r.ID()] = place{b.Header.Height, i}
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) Pool(_ context.Context, limit int) ([]*types.Record, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pool[:min(limit, len(f.pool))]), len(f.pool), nil
}

func (f *fake) PoolSize() message.PoolSize {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := message.PoolSize{Records: len(f.pool)}
	for _, r := range f.pool {
		size.Bytes += len(r.Raw())
	}
	return size
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
	if height < 1 || height > uint64(len(f.blocks)) {
		return nil, nil, fmt.Errorf("the fake has no block %d", height)
	}
	b := f.blocks[height-1]
	hash := b.Header.Hash()
	vote := f.key.Sign(types.VoteSignBytes(network, types.Precommit, height, 0, hash))
	return b, &types.Certificate{Height: height, Block: hash, Signatures: []types.CertificateSignature{{Validator: f.key.Public(), Signature: vote}}}, nil
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
	if key == f.key.Public() {
		return "alice"
	}
	return ""
}

func (f *fake) Ready() error { return f.ready }

func (f *fake) Status(context.Context) (message.Status, error) {
	head := f.Head()
	s := message.Status{
		Name: "alice", Key: f.key.Public(), Network: "fake", NetworkID: network, Version: "v1", Height: head, HeadHash: network,
		Step: "idle", Voting: true, Ready: true, PoolSize: f.PoolSize().Records, PoolBytes: f.PoolSize().Bytes, Rule: "pool.size >= 3",
		Validators: 1, TotalStake: 10, OnlineStake: 10, Totals: message.Totals{Records: uint64(len(f.places))}, Params: message.Params{OpenAccounts: true},
	}
	if head > 0 {
		b, _, err := f.Block(context.Background(), head)
		if err != nil {
			return s, err
		}
		s.HeadHash, s.HeadTime = b.Header.Hash(), message.Timestamp(b.Header.Time)
	}
	return s, nil
}

func (f *fake) Peers(context.Context) ([]message.Peer, error) {
	return []message.Peer{{Name: "bob", Key: seededKey(2).Public(), Address: "bob:9001", Online: true, Since: message.Timestamp(1767225600_000000000), Height: f.Head()}}, nil
}

func (f *fake) Validators(_ context.Context, height uint64) (message.Validators, error) {
	if height == 0 {
		height = f.Head() + 1
	}
	return message.Validators{Height: height, TotalStake: 10, Validators: []message.Validator{{
		Name: "alice", Key: f.key.Public(), VRFKey: seededKey(3).Public(), Stake: 12, EffectiveStake: 10, DrawFrom: 1, Online: true,
		Height: f.Head(), Drawn: f.Head(), Won: f.Head(),
	}}}, nil
}

func (f *fake) Balance(_ context.Context, account types.Account) (message.Balance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := message.Balance{Account: account, Head: uint64(len(f.blocks))}
	for _, block := range f.blocks {
		for _, r := range block.Records {
			if r.Receiver == account {
				b.Balance += r.Amount
			}
		}
	}
	return b, nil
}

func (f *fake) Record(_ context.Context, id types.Hash) (message.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := uint64(len(f.blocks))
	if p, ok := f.places[id]; ok {
		item := message.Item{Record: f.blocks[p.height-1].Records[p.index]}
		return message.Record{ID: id, State: message.Committed, Height: p.height, Index: uint32(p.index), Record: &item, Head: head}, nil
	}
	for _, r := range f.pool {
		if r.ID() == id {
			return message.Record{ID: id, State: message.Pooled, Record: &message.Item{Record: r}, Head: head}, nil
		}
	}
	return message.Record{}, message.Errorf(message.StatusNotFound, "No record %s is known here", id)
}

func (f *fake) Winners(_ context.Context, height uint64, limit int) ([]message.Winner, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []message.Winner
	for _, b := range slices.Backward(f.blocks) {
		if len(out) < limit && (height == 0 || b.Header.Height <= height) {
			out = append(out, message.NewWinner(&b.Header, b.Header.Hash(), "alice"))
		}
	}
	return out, nil
}

func (f *fake) Draw(_ context.Context, height uint64, _ int) (message.Draw, error) {
	if height == 0 {
		height = f.Head() + 1
	}
	return message.Draw{
		Height: height, Seed: network, TotalWeight: 10,
		Participants: []message.Participant{{Key: f.key.Public(), Name: "alice", Weight: 10}},
		Order:        []message.Turn{{Key: f.key.Public(), Name: "alice", Proposer: f.key.Public()}},
	}, nil
}

func (f *fake) Fairness(context.Context) (message.Fairness, error) {
	key := f.key.Public()
	return message.Fairness{
		Draws: f.Head(), PValue: 1, Fair: true, Significance: 0.001, Confidence: 0.99,
		Participants: []message.Tally{{Name: "alice", Key: &key, Heights: f.Head(), Expected: float64(f.Head()), Observed: f.Head(), Won: f.Head()}},
	}, nil
}

func (f *fake) set() *types.ValidatorSet {
	set, err := types.NewValidatorSet([]types.Validator{{Name: "alice", Key: f.key.Public(), VRFKey: seededKey(3).Public(), Stake: 10, DrawFrom: 1}})
	if err != nil {
		panic(err)
	}
	return set
}

func (f *fake) ValidatorSet(context.Context, uint64) (*types.ValidatorSet, error) {
	return f.set(), nil
}

func (f *fake) Genesis(context.Context) (message.Genesis, error) {
	return message.Genesis{NetworkID: network, Genesis: []byte(`{"name":"fake"}`)}, nil
}

func (f *fake) Handovers(ctx context.Context, from uint64, limit int) ([]message.Handover, error) {
	if from > 1 || f.Head() == 0 {
		return nil, nil
	}
	b, c, err := f.Block(ctx, 1)
	return []message.Handover{{Header: message.NewHeader(&b.Header), Certificate: c, Validators: f.set().List()}}[:min(limit, 1)], err
}

func (f *fake) Evidence(context.Context, int) ([]message.Evidence, error) { return nil, nil }

var _ rpc.Backend = (*fake)(nil)
