package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

// witness remembers every block that a node told of, so that a chain that
// forgot one is found out.
type witness struct {
	name string
	mu   sync.Mutex
	seen map[uint64]types.Hash
	done chan struct{}
}

// watch takes down what a node tells until its connection ends.
func watch(t *testing.T, p *processes.Process) *witness {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c, err := client.Dial(ctx, p.Config.Listen.API, client.Options{News: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := c.Subscribe(ctx, message.TopicWinners)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{name: p.Name, seen: map[uint64]types.Hash{}, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for e := range sub.News {
			w.mu.Lock()
			w.seen[e.Winner.Height] = e.Winner.Hash
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-w.done
	})
	return w
}

// check checks that all it saw is in the chain, and returns how much that was.
func (w *witness) check(t *testing.T, chain []message.Block) int {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for height, hash := range w.seen {
		if height > uint64(len(chain)) || chain[height-1].Hash != hash {
			t.Errorf("%s told of block %d with hash %s, which is not in the chain now", w.name, height, hash)
		}
	}
	return len(w.seen)
}

// chainOf returns all blocks of a node up to a height, each checked to follow
// the one before.
func chainOf(t *testing.T, c *client.Client, network types.Hash, height uint64) []message.Block {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	var chain []message.Block
	prev := network
	for uint64(len(chain)) < height {
		page, err := c.Blocks(ctx, client.BlocksArgs{Start: int64(len(chain)), Limit: message.MaxBlocks})
		if err != nil || len(page.Blocks) == 0 {
			t.Fatalf("blocks from %d on: %d came (%v)", len(chain), len(page.Blocks), err)
		}
		for _, b := range page.Blocks {
			if b.PrevHash != prev || b.Index != uint64(len(chain)+1) {
				t.Fatalf("block %d follows %s, and not %s", b.Index, b.PrevHash, prev)
			}
			chain, prev = append(chain, b), b.Hash
		}
	}
	return chain[:height]
}

// verify checks that all nodes have one chain with every record that was
// accepted in it, once, and the balances that follow from it.
func verify(t *testing.T, n *processes.Network, l *load, witnesses []*witness) {
	t.Helper()
	height := settled(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	var chain []message.Block
	for _, p := range n.Nodes {
		c := dial(t, p)
		own := chainOf(t, c, n.Genesis.Network(), height)
		if chain == nil {
			chain = own
			checkRecords(t, l, chain)
		}
		for i := range own {
			if own[i].Hash != chain[i].Hash {
				t.Fatalf("%s has block %s at height %d, and %s has %s", p.Name, own[i].Hash, i+1, n.Nodes[0].Name, chain[i].Hash)
			}
		}
		for i, s := range l.senders {
			before := l.senders[(i+len(l.senders)-1)%len(l.senders)]
			want := uint64(funds - len(s.made) + len(before.made))
			if b, err := c.Balance(ctx, s.account()); err != nil || b.Balance != want || b.Nonce != uint64(len(s.made)) {
				t.Errorf("%s: sender %d has %d tokens and nonce %d (%v), and should have %d and %d", p.Name, i, b.Balance, b.Nonce, err, want, len(s.made))
			}
		}
		if e, err := c.Evidence(ctx); err != nil || len(e) > 0 {
			t.Errorf("%s has evidence %+v (%v)", p.Name, e, err)
		}
	}
	seen := 0
	for _, w := range witnesses {
		seen += w.check(t, chain)
	}
	t.Logf("%d blocks with %d records; the nodes told of %d", len(chain), total(l), seen)
	if seen < len(chain) {
		t.Errorf("of %d blocks the nodes told %d times: each should be told of by several", len(chain), seen)
	}
}

func total(l *load) (sum int) {
	for _, s := range l.senders {
		sum += len(s.made)
	}
	return sum
}

// checkRecords checks that the chain holds what was signed and accepted, each
// record once and each sender's in order.
func checkRecords(t *testing.T, l *load, chain []message.Block) {
	t.Helper()
	next := map[types.Account]uint64{}
	bySender := map[types.Account]*sender{}
	for _, s := range l.senders {
		bySender[s.account()] = s
	}
	for _, b := range chain {
		for _, item := range b.Items {
			r := item.Record
			s, nonce := bySender[r.Sender], next[r.Sender]
			if s == nil || r.Nonce != nonce || nonce >= uint64(len(s.made)) || r.ID() != s.made[nonce].ID() {
				t.Fatalf("block %d holds a record of %s with nonce %d, where one with nonce %d should be", b.Index, r.Sender, r.Nonce, nonce)
			}
			next[r.Sender]++
		}
	}
	for i, s := range l.senders {
		if got := next[s.account()]; got < uint64(s.accepted) || s.accepted == 0 {
			t.Errorf("sender %d: %d records are committed, %d were accepted", i, got, s.accepted)
		}
	}
}

// settled waits until all nodes have the same newest block, and returns its height.
func settled(t *testing.T, n *processes.Network) (height uint64) {
	t.Helper()
	await.True(t, "all nodes have the same newest block", func() error {
		var first message.Status
		for i, p := range n.Nodes {
			s, err := status(p)
			if i == 0 {
				first = s
			}
			if err != nil || s.HeadHash != first.HeadHash || s.PoolSize > 0 {
				return fmt.Errorf("%s is at height %d, %s at height %d with %d records in its pool (%w)", first.Name, first.Height, p.Name, s.Height, s.PoolSize, err)
			}
		}
		height = first.Height
		return nil
	})
	return height
}

func status(p *processes.Process) (message.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	return p.Status(ctx)
}
