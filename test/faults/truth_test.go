package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

// witness remembers every block that a node told of, through all of its lives,
// so that a chain that forgot one is found out.
type witness struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex
	seen   map[uint64]types.Hash
}

// watch takes down what a node tells, whenever it is there to tell it.
func watch(t *testing.T, p *processes.Process) *witness {
	ctx, cancel := context.WithCancel(context.Background())
	w := &witness{name: p.Name, cancel: cancel, done: make(chan struct{}), seen: map[uint64]types.Hash{}}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			_ = w.listen(ctx, p) // it is gone now and then: that is what is tested
			wait(ctx, retry)
		}
	}()
	t.Cleanup(w.stop)
	return w
}

func (w *witness) stop() {
	w.cancel()
	<-w.done
}

func (w *witness) listen(ctx context.Context, p *processes.Process) error {
	c, err := client.Dial(ctx, p.Config.Listen.API, client.Options{News: 1 << 16})
	if err != nil {
		return err
	}
	defer c.Close()
	sub, err := c.Subscribe(ctx, message.TopicWinners)
	if err != nil {
		return err
	}
	for {
		select {
		case e, more := <-sub.News:
			if !more {
				return c.Err()
			}
			w.mu.Lock()
			w.seen[e.Winner.Height] = e.Winner.Hash
			w.mu.Unlock()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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

// verify ends the load and checks that all nodes have one chain with every
// record that was accepted in it, once, and the balances that follow from it.
func (a *arena) verify() {
	t := a.t
	t.Helper()
	a.load.stop()
	a.load.settle(t, a.n.Nodes[0])
	last := a.settled()
	for _, w := range a.told {
		w.stop()
	}
	var chain []message.Block
	for _, p := range a.n.Nodes {
		c := dial(t, p)
		own := chainOf(t, c, a.n.Genesis.Network(), last.Height)
		if chain == nil {
			chain = own
			checkRecords(t, a.load, chain)
		}
		for i := range own {
			if own[i].Hash != chain[i].Hash {
				t.Fatalf("%s has block %s at height %d, and %s has %s", p.Name, own[i].Hash, i+1, a.n.Nodes[0].Name, chain[i].Hash)
			}
		}
		a.checkBalances(c, p.Name, chain, last.Totals.Minted)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if e, err := c.Evidence(ctx); err != nil || len(e) > 0 {
			t.Errorf("%s has evidence %+v (%v)", p.Name, e, err)
		}
	}
	seen := 0
	for _, w := range a.told {
		seen += w.check(t, chain)
	}
	t.Logf("%d blocks with %d records; the nodes told of %d", len(chain), a.load.total(), seen)
	if seen < len(chain) {
		t.Errorf("of %d blocks the nodes told %d times: each should be told of by several", len(chain), seen)
	}
}

// checkBalances works out from the chain what every account has, and checks that
// the node says the same, and that it sums up to what was minted. The network
// has no faucet: tokens come from the genesis and with each block.
func (a *arena) checkBalances(c *client.Client, name string, chain []message.Block, minted uint64) {
	a.t.Helper()
	balance, nonce := map[types.Account]uint64{}, map[types.Account]uint64{}
	for _, g := range a.n.Genesis.Accounts {
		balance[g.Account] = g.Balance
	}
	for _, b := range chain {
		for _, item := range b.Items {
			balance[item.Record.Sender] -= item.Record.Amount
			balance[item.Record.Receiver] += item.Record.Amount
			nonce[item.Record.Sender]++
		}
		balance[types.KeyedAccount(b.Validator)] += a.n.Genesis.Params.BlockReward
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var sum uint64
	for account, want := range balance {
		b, err := c.Balance(ctx, account)
		if err != nil || b.Balance != want || b.Nonce != nonce[account] {
			a.t.Errorf("%s: %s has %d tokens and nonce %d (%v), and should have %d and %d", name, account, b.Balance, b.Nonce, err, want, nonce[account])
		}
		sum += b.Balance
	}
	if sum != minted || minted != senders*funds+uint64(len(chain))*a.n.Genesis.Params.BlockReward {
		a.t.Errorf("%s: all accounts have %d tokens together; %d were minted, in %d blocks", name, sum, minted, len(chain))
	}
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

// settled waits until all nodes have the same newest block and none waits, and
// returns what one of them says.
func (a *arena) settled() (first message.Status) {
	a.t.Helper()
	await.Within(a.t, patience, "all nodes have the same newest block", func() error {
		for i, p := range a.n.Nodes {
			s, err := status(p)
			if i == 0 {
				first = s
			}
			if err != nil || s.HeadHash != first.HeadHash || s.PoolSize > 0 || s.Totals != first.Totals {
				return fmt.Errorf("%s is at height %d, %s at height %d with %d records in its pool (%w)", first.Name, first.Height, p.Name, s.Height, s.PoolSize, err)
			}
		}
		return nil
	})
	return first
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
