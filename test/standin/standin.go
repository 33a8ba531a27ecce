// Package standin serves the client API of nodes that do not exist: of a network
// whose chain grows by an empty block a second, told by as many servers as it has
// validators. Hundreds of networks fit into one process, which leaves a measure of
// who watches them alone.
package standin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// stake is that of every validator, in tokens.
const stake = 25

// Node is one server.
type Node struct {
	Name    string          `json:"name"`
	Key     types.PublicKey `json:"key"`
	Address string          `json:"address"` // host:port of its client API
}

// Network is a chain and the servers that tell of it.
type Network struct {
	ID    types.Hash `json:"id"`
	Nodes []Node     `json:"nodes"`

	mu      sync.Mutex
	blocks  []*types.Block
	grown   chan struct{} // closed, and made anew, with each block
	rest    chan struct{} // closed: no more blocks
	stopped sync.WaitGroup
	errs    []error
}

// Start serves a network of so many validators until ctx ends; Wait waits for the
// end. number tells networks apart.
func Start(ctx context.Context, number, validators int, interval time.Duration) (*Network, error) {
	var list []Node
	for i := range validators {
		key := types.PublicKey(types.SumHash(fmt.Appendf(nil, "stand-in %d/%d", number, i)))
		list = append(list, Node{Name: fmt.Sprintf("v%d", i), Key: key, Address: "127.0.0.1:0"})
	}
	return Serve(ctx, types.SumHash(fmt.Appendf(nil, "stand-in %d", number)), list, interval)
}

// Serve serves the network that has an id and these nodes, each at its address,
// until ctx ends; Wait waits for the end. Port 0 takes any, and Nodes tells which.
func Serve(ctx context.Context, id types.Hash, list []Node, interval time.Duration) (*Network, error) {
	n := &Network{ID: id, Nodes: slices.Clone(list), grown: make(chan struct{}), rest: make(chan struct{})}
	for i := range n.Nodes {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", n.Nodes[i].Address)
		if err != nil {
			return nil, err
		}
		n.Nodes[i].Address = l.Addr().String()
		n.stopped.Go(func() { n.serve(ctx, i, l) })
	}
	n.stopped.Go(func() { n.grow(ctx, interval) })
	return n, nil
}

// Rest makes the network idle: there are no more blocks. It is called once at most.
func (n *Network) Rest() { close(n.rest) }

func (n *Network) serve(ctx context.Context, i int, l net.Listener) {
	if err := rpc.New(&backend{Network: n, index: i}, rpc.Options{}).Serve(ctx, l); err != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.errs = append(n.errs, err)
	}
}

// Wait waits until nothing is served any more. The error is what went wrong.
func (n *Network) Wait() error {
	n.stopped.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(n.errs...)
}

// grow makes a block at each interval.
func (n *Network) grow(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.rest:
			return
		case <-tick.C:
			n.commit()
		}
	}
}

func (n *Network) commit() {
	n.mu.Lock()
	defer n.mu.Unlock()
	height := len(n.blocks) + 1
	winner := n.Nodes[height%len(n.Nodes)].Key
	b := &types.Block{Header: types.Header{
		Network: n.ID, Height: uint64(height), Time: types.TimeOf(time.Now()), Prev: n.head(), Winner: winner, Proposer: winner,
	}}
	n.blocks = append(n.blocks, b)
	close(n.grown)
	n.grown = make(chan struct{})
}

// head is the newest block's hash. The caller holds n.mu.
func (n *Network) head() types.Hash {
	if len(n.blocks) == 0 {
		return n.ID
	}
	return n.blocks[len(n.blocks)-1].Header.Hash()
}

// backend is one node of it.
type backend struct {
	*Network
	index int
}

var _ rpc.Backend = (*backend)(nil)

var errNone = message.Errorf(message.StatusNotFound, "this node is a stand-in: it has no such thing")

func (b *backend) Busy() error { return nil }

func (b *backend) Submit([]*types.Record) (<-chan error, error) {
	return nil, message.Errorf(message.StatusForbidden, "this node is a stand-in: it takes no records")
}

func (b *backend) Pool(context.Context, int) ([]*types.Record, int, error) { return nil, 0, nil }

func (b *backend) PoolSize() message.PoolSize { return message.PoolSize{} }

func (b *backend) Oldest() uint64 { return 1 }

func (b *backend) Head() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return uint64(len(b.blocks))
}

func (b *backend) Block(_ context.Context, height uint64) (*types.Block, *types.Certificate, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	block := b.blocks[height-1]
	return block, &types.Certificate{Height: height, Block: block.Header.Hash()}, nil
}

func (b *backend) WaitBlock(ctx context.Context, height uint64) error {
	for {
		b.mu.Lock()
		there, grown := uint64(len(b.blocks)) >= height, b.grown
		b.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *backend) Name(key types.PublicKey) string {
	for _, n := range b.Nodes {
		if n.Key == key {
			return n.Name
		}
	}
	return ""
}

func (b *backend) Status(context.Context) (message.Status, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := uint64(stake * len(b.Nodes))
	s := message.Status{
		Name: b.Nodes[b.index].Name, Key: b.Nodes[b.index].Key, Network: "standin", NetworkID: b.ID, Version: "stand-in",
		Height: uint64(len(b.blocks)), HeadHash: b.head(), Step: "idle", Voting: true, Ready: true, Peers: len(b.Nodes) - 1,
		Rule: "idle >= duration('1s')", Validators: len(b.Nodes), TotalStake: total, OnlineStake: total,
	}
	if s.Height > 0 {
		s.HeadTime = message.Timestamp(b.blocks[s.Height-1].Header.Time)
	}
	return s, nil
}

func (b *backend) Ready() error { return nil }

func (b *backend) Peers(context.Context) ([]message.Peer, error) { return nil, nil }

func (b *backend) Validators(context.Context, uint64) (message.Validators, error) {
	v := message.Validators{Height: b.Head() + 1, Hash: b.ID, TotalStake: uint64(stake * len(b.Nodes))}
	for _, n := range b.Nodes {
		v.Validators = append(v.Validators, message.Validator{
			Name: n.Name, Key: n.Key, VRFKey: n.Key, Stake: stake, EffectiveStake: stake, DrawFrom: 1, Online: true, Height: v.Height - 1,
			Drawn: v.Height / uint64(len(b.Nodes)), Won: v.Height / uint64(len(b.Nodes)),
		})
	}
	return v, nil
}

func (b *backend) Balance(_ context.Context, account types.Account) (message.Balance, error) {
	return message.Balance{Account: account, Head: b.Head()}, nil
}

func (b *backend) Record(context.Context, types.Hash) (message.Record, error) {
	return message.Record{}, errNone
}

func (b *backend) Winners(_ context.Context, height uint64, limit int) ([]message.Winner, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if height == 0 {
		height = uint64(len(b.blocks))
	}
	var out []message.Winner
	for ; height > 0 && len(out) < limit; height-- {
		h := &b.blocks[height-1].Header
		out = append(out, message.NewWinner(h, h.Hash(), b.Name(h.Proposer)))
	}
	return out, nil
}

func (b *backend) Draw(context.Context, uint64, int) (message.Draw, error) {
	return message.Draw{}, errNone
}

func (b *backend) Fairness(context.Context) (message.Fairness, error) {
	return message.Fairness{Draws: b.Head(), PValue: 0.5, Fair: true, Significance: 0.001, Confidence: 0.99}, nil
}

func (b *backend) Evidence(context.Context, int) ([]message.Evidence, error) { return nil, nil }

func (b *backend) ValidatorSet(context.Context, uint64) (*types.ValidatorSet, error) {
	return nil, errNone
}

func (b *backend) Genesis(context.Context) (message.Genesis, error) {
	return message.Genesis{}, errNone
}

func (b *backend) Handovers(context.Context, uint64, int) ([]message.Handover, error) {
	return nil, errNone
}
