package steady

import (
	"context"
	"fmt"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
)

const (
	// drainPatience is how long the chain may stand still with records outstanding.
	drainPatience = time.Minute
	// settlePatience is how long a node may take to have the newest block.
	settlePatience = time.Minute
	// poll is how often nodes are asked.
	poll = 20 * time.Millisecond
)

// Settle waits until all that was sent is committed, and checks the books: every
// record was committed exactly once and in order, as the blocks of the first node
// told; and every node has the same newest block, and the balances that follow.
func (l *Load) Settle(ctx context.Context) error {
	if err := l.Drain(ctx); err != nil {
		return err
	}
	for _, p := range l.all {
		if err := l.check(ctx, p); err != nil {
			return fmt.Errorf("the run does not hold: node %s: %w", p.Name, err)
		}
	}
	return nil
}

// outstanding is how many records were sent, or wait to be sent again, and are not
// committed.
func (l *Load) outstanding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turn - int(l.total)
}

// Drain waits until all that was sent is committed.
func (l *Load) Drain(ctx context.Context) error {
	_, head := l.Committed()
	for since := time.Now(); ; {
		if err := l.trouble(); err != nil {
			return err
		}
		if _, now := l.Committed(); now != head {
			head, since = now, time.Now()
		}
		left := l.outstanding()
		if left == 0 {
			return nil
		}
		if time.Since(since) > drainPatience {
			return fmt.Errorf("%d records that were sent are not committed, and there was no block for %v", left, drainPatience)
		}
		if err := l.resend(ctx); err != nil {
			return err
		}
		if err := machine.Sleep(ctx, poll); err != nil {
			return err
		}
	}
}

// resend sends what is left of what was refused.
func (l *Load) resend(ctx context.Context) error {
	l.mu.Lock()
	again := l.again
	l.again = nil
	l.mu.Unlock()
	for _, f := range again {
		if err := l.send(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// check compares a node with the books.
func (l *Load) check(ctx context.Context, p *nodes.Process) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	l.mu.Lock()
	head, paid := l.head, l.committed
	l.mu.Unlock()
	for {
		height, err := c.Height(ctx)
		if err != nil {
			return err
		}
		if height >= head.Index {
			break
		}
		if err := machine.Sleep(ctx, poll); err != nil {
			return fmt.Errorf("it has %d blocks of %d after %v", height, head.Index, settlePatience)
		}
	}
	hash, err := c.Hash(ctx, head.Index)
	if err != nil {
		return err
	}
	if hash != head.Hash.String() {
		return fmt.Errorf("at height %d it has block %s, and the first node %s", head.Index, hash, head.Hash)
	}
	return l.checkBalances(ctx, c, paid)
}

func (l *Load) checkBalances(ctx context.Context, c nodes.Asker, paid []uint64) error {
	balances := l.accounts.balances(paid)
	for i, key := range l.accounts.keys {
		balance, nonce, err := c.Account(ctx, key.Public())
		if err != nil {
			return err
		}
		if balance != balances[i] || nonce != paid[i] {
			return fmt.Errorf("account %d has %d tokens and has paid %d times; by the blocks it must be %d and %d", i, balance, nonce, balances[i], paid[i])
		}
	}
	return nil
}
