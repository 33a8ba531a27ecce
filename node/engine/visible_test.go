package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// A block shows in all answers at once: what one has shown, none that is asked
// for afterwards hides.
func TestBlocksShowAtOnce(t *testing.T) {
	const payments, readers = 150, 3
	w := prepareNetwork(t, []uint64{1}, func(g *genesis.Genesis, _ []*config.Config) {
		g.Accounts = append(g.Accounts, genesis.Account{Account: forge.Account("alice"), Balance: 1 << 20})
	})
	w.start(0)
	n := w.nodes[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var sent [payments]*types.Record
	for i := range sent {
		sent[i] = w.transfer("alice", forge.Account("bob"), 1, uint64(i))
	}
	var done atomic.Bool
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for !done.Load() {
				if err := n.looksWhole(ctx, sent[:]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i, r := range sent {
		head := n.Head()
		err := n.Merge(ctx, []*types.Record{r})
		if err == nil && i%3 == 0 {
			err = n.WaitBlock(ctx, head+1)
		}
		if err != nil {
			t.Error(err)
			break
		}
	}
	done.Store(true)
	wg.Wait()
	if n.Head() < payments/3 {
		t.Errorf("there are %d blocks", n.Head())
	}
}

// looksWhole asks for one thing after another, each of which must show at least
// what the one before has shown. sent is all records of one account, by nonce.
func (n *testNode) looksWhole(ctx context.Context, sent []*types.Record) error {
	head := n.Head()
	b, err := n.Balance(ctx, forge.Account("alice"))
	if err != nil || b.Head < head {
		return fmt.Errorf("with block %d as the newest, the balance is that after block %d (%v)", head, b.Head, err)
	}
	s, err := n.Status(ctx)
	if err != nil || s.Height < b.Head || uint64(s.PoolSize)+s.Totals.Records > uint64(len(sent)) {
		return fmt.Errorf("after block %d, the status is that after block %d, with %d records in blocks and %d waiting (%v)", b.Head, s.Height, s.Totals.Records, s.PoolSize, err)
	}
	if s.Height > 0 {
		if _, _, err := n.Block(ctx, s.Height); err != nil || n.Head() < s.Height {
			return fmt.Errorf("the status tells of block %d, and the newest is %d (%v)", s.Height, n.Head(), err)
		}
	}
	if b.Nonce == 0 {
		return nil
	}
	r, err := n.Record(ctx, sent[b.Nonce-1].ID())
	if err != nil || r.State != message.Committed || r.Height > r.Head || r.Head < s.Height {
		return fmt.Errorf("nonce %d is used, and its record is %q in block %d, as of block %d (%v)", b.Nonce-1, r.State, r.Height, r.Head, err)
	}
	now, err := n.Balance(ctx, forge.Account("alice"))
	if err != nil || now.PendingNonce < b.PendingNonce {
		return fmt.Errorf("the next nonce went from %d back to %d (%v)", b.PendingNonce, now.PendingNonce, err)
	}
	return nil
}
