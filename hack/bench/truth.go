package main

import (
	"context"
	"fmt"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
)

const (
	// drainPatience is how long the chain may stand still, at the end of a run,
	// with accepted records not committed.
	drainPatience = 20 * time.Second
	// settleSpan is how long the chain must stand still, with nothing left to
	// commit, to be compared.
	settleSpan = 300 * time.Millisecond
	// catchUpPatience is how long a node may take to have the newest block.
	catchUpPatience = 30 * time.Second
)

// drain waits until all that was sent to nodes that live is committed, and the
// chain stands still, if it does so without records.
func (r *rig) drain(ctx context.Context) error {
	head, _ := r.subscriber.head()
	for since := time.Now(); ; {
		if err := r.trouble(); err != nil {
			return err
		}
		if now, _ := r.subscriber.head(); now != head {
			head, since = now, time.Now()
		}
		left := 0
		for _, l := range r.lanes {
			if !l.mayDie {
				left += l.outstanding()
			}
		}
		switch still := time.Since(since); {
		case left == 0 && (still > settleSpan || !r.rests):
			return nil
		case still > drainPatience:
			return fmt.Errorf("%d records that were sent are not committed, and there was no block for %v", left, drainPatience)
		}
		if err := machine.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// verify checks that the run was what it looked like: all that was accepted is
// committed exactly once, which is asked of another node than the subscriber's,
// and all nodes have the same chain. The subscriber has ended.
func (r *rig) verify(ctx context.Context, a *accounts) error {
	for _, l := range r.lanes {
		if n := l.unaccepted(); !l.mayDie && n > 0 {
			return fmt.Errorf("node %s has not accepted %d of %d records", l.node, n, l.count)
		}
	}
	counts, err := committedPerAccount(a, r.lanes)
	if err != nil {
		return err
	}
	var other *nodes.Process
	for _, p := range r.living() {
		if p != r.subscriber.node {
			other = p
		}
		if err := r.sameHead(ctx, p); err != nil {
			return err
		}
	}
	return checkBalances(ctx, other, a, counts)
}

// committedPerAccount counts what the subscriber saw, and checks that no nonce
// was left out.
func committedPerAccount(a *accounts, lanes []*lane) ([]uint64, error) {
	counts := make([]uint64, accountCount)
	for i, l := range lanes {
		for k, done := range l.done {
			if done.IsZero() {
				continue
			}
			account, nonce := a.owner(i, k)
			if l.sent[k].IsZero() {
				return nil, fmt.Errorf("account %d: a record with nonce %d is committed that was not sent", account, nonce)
			}
			if nonce != counts[account] {
				return nil, fmt.Errorf("account %d: the record with nonce %d is committed, that with %d is not", account, nonce, counts[account])
			}
			counts[account]++
		}
	}
	return counts, nil
}

// checkBalances compares every account with the records committed.
func checkBalances(ctx context.Context, p *nodes.Process, a *accounts, counts []uint64) error {
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	want := make([]uint64, accountCount)
	for i, n := range counts {
		want[i] += startBalance - n
		want[receiverOf(i)] += n
	}
	for i, k := range a.keys {
		balance, paid, err := c.Account(ctx, k.Public())
		if err != nil {
			return err
		}
		if paid != counts[i] || balance != want[i] {
			return fmt.Errorf("node %s: account %d has %d tokens and has paid %d times; by the news of the subscriber's node it must be %d and %d",
				p.Name, i, balance, paid, want[i], counts[i])
		}
	}
	return nil
}

// sameHead checks that a node has the newest block that the subscriber saw.
func (r *rig) sameHead(ctx context.Context, p *nodes.Process) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	height, hash := r.subscriber.head()
	for has := uint64(0); ; {
		if has, err = c.Height(ctx); err != nil {
			return err
		}
		if has >= height {
			break
		}
		if err := machine.Sleep(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("node %s has %d blocks of %d after %v", p.Name, has, height, catchUpPatience)
		}
	}
	other, err := c.Hash(ctx, height)
	if err != nil {
		return err
	}
	if other != hash {
		return fmt.Errorf("node %s has block %s at height %d, and node %s has %s", p.Name, other, height, r.subscriber.node.Name, hash)
	}
	return nil
}
