package steady

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

const (
	// window is how many records of a node may wait for its answer: several
	// seconds' worth, so that a pause of the chain does not hold up the pace.
	window = 4096
	// news is how many blocks the follower may be behind: as many seconds.
	news = 4096
	// maxAgain bounds what was refused and waits to be sent again.
	maxAgain = 4 * window
)

// Load is a client that sends to all nodes of a network, and follows its blocks at
// the first.
type Load struct {
	all      nodes.All
	accounts *Accounts
	signers  []*client.Account
	clients  []*client.Client // by node
	follower *client.Client
	ended    chan struct{} // closed when nobody follows any more

	mu        sync.Mutex
	turn      int      // new records made
	sent      []uint64 // records by account
	committed []uint64 // records by account
	total     uint64   // of them
	again     []frame  // that were refused
	refused   uint64   // times
	head      message.Block
	err       error
	closing   bool
}

// frame is a record as it is sent, and to which node.
type frame struct {
	bytes []byte
	node  int
}

// Open connects to all nodes, which run. The network's ledger has the accounts.
// Close it, whatever comes of the run.
func Open(ctx context.Context, all nodes.All, network types.Hash, a *Accounts) (l *Load, err error) {
	l = &Load{all: all, accounts: a, ended: make(chan struct{}), sent: make([]uint64, len(a.keys)), committed: make([]uint64, len(a.keys))}
	defer func() {
		if err != nil {
			l.disconnect()
		}
	}()
	for i := range a.keys {
		l.signers = append(l.signers, client.NewAccount(a.keys[i], network, 0))
	}
	for _, p := range all {
		c, err := client.Dial(ctx, p.API, client.Options{Window: window})
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, c)
	}
	if l.follower, err = client.Dial(ctx, all[0].API, client.Options{News: news}); err != nil {
		return nil, err
	}
	s, err := l.follower.Subscribe(ctx, message.TopicBlocks)
	if err != nil {
		return nil, err
	}
	go l.follow(s.News)
	return l, nil
}

func (l *Load) disconnect() {
	for _, c := range l.clients {
		c.Close()
	}
	if l.follower != nil {
		l.follower.Close()
	}
}

// Close ends all connections.
func (l *Load) Close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.disconnect()
	<-l.ended
}

// follow keeps the books until the connection ends.
func (l *Load) follow(events <-chan message.Event) {
	defer close(l.ended)
	for e := range events {
		if e.Block != nil {
			l.take(e.Block)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		l.fail(fmt.Errorf("nobody tells of blocks any more: %w", l.follower.Err()))
	}
}

// fail keeps the first error. The lock is held.
func (l *Load) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// take books the records of a block: of each account one after another, and none
// that was not sent.
func (l *Load) take(b *message.Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.Index > 0 && b.Index != l.head.Index+1 {
		l.fail(fmt.Errorf("block %d follows block %d", b.Index, l.head.Index))
	}
	for _, item := range b.Items {
		account, ok := l.accounts.index[item.Record.Sender]
		switch {
		case !ok:
			l.fail(fmt.Errorf("block %d has a record of %s, whom nobody sent for", b.Index, item.Record.Sender))
			return
		case item.Record.Nonce != l.committed[account]:
			l.fail(fmt.Errorf("block %d has the record of account %d with nonce %d: that with %d must come", b.Index, account, item.Record.Nonce, l.committed[account]))
		case l.committed[account] == l.sent[account]:
			l.fail(fmt.Errorf("block %d has the record of account %d with nonce %d, which nobody sent", b.Index, account, item.Record.Nonce))
		}
		l.committed[account]++
		l.total++
	}
	l.head = *b
	l.head.Items = nil
}

// Committed is how many records the blocks had so far, and the height of the newest.
func (l *Load) Committed() (records, height uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, l.head.Index
}

// Refused is how often a node refused a record, which was then sent again.
func (l *Load) Refused() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// trouble is what makes the run worthless, or nil.
func (l *Load) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		for _, p := range l.all { // its last words say more
			if err := p.Died(); err != nil {
				return err
			}
		}
	}
	return l.err
}

// Run sends rate records per second, of 1 and more, until end, and returns by how
// much it was late at worst. A node that is too busy for a record is sent it again
// in the place of a new one.
func (l *Load) Run(ctx context.Context, rate int, end time.Time) (late time.Duration, err error) {
	begin := time.Now()
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(float64(i) / float64(rate) * float64(time.Second)))
		if !due.Before(end) {
			return late, nil
		}
		if err := machine.Sleep(ctx, time.Until(due)); err != nil {
			return late, err
		}
		late = max(late, time.Since(due))
		if err := l.trouble(); err != nil {
			return late, err
		}
		if err := l.send(ctx, l.next()); err != nil {
			return late, errors.Join(l.trouble(), err)
		}
	}
}

// Fill sends records until their number is a multiple of n, where blocks are made of
// so many.
func (l *Load) Fill(ctx context.Context, n int) error {
	for l.made()%n != 0 {
		if err := l.send(ctx, l.next()); err != nil {
			return errors.Join(l.trouble(), err)
		}
	}
	return nil
}

func (l *Load) made() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turn
}

// next is what was refused the longest ago, or a new record.
func (l *Load) next() frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.again) > 0 {
		f := l.again[0]
		l.again = l.again[1:]
		return f
	}
	return l.fresh()
}

// fresh makes the next record; accounts take turns. The lock is held.
func (l *Load) fresh() frame {
	account := l.turn % len(l.sent)
	record := l.signers[account].Transfer(l.accounts.payee(account, l.turn), 1)
	l.turn++
	l.sent[account]++
	bytes, err := client.EncodeMerge(record)
	if err != nil {
		l.fail(err)
	}
	return frame{bytes, account % len(l.clients)}
}

func (l *Load) send(ctx context.Context, f frame) error {
	return l.clients[f.node].SendMerge(ctx, f.bytes, func(err error) {
		if err != nil {
			l.answered(f, err)
		}
	})
}

// answered takes a refusal: too fast and not ready are no more than a delay.
func (l *Load) answered(f frame, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusal *client.Error
	busy := errors.As(err, &refusal) && (refusal.Status == message.StatusTooFast || refusal.Status == message.StatusNotReady)
	switch {
	case l.closing:
	case !busy:
		l.fail(fmt.Errorf("node %s: %w", l.all[f.node].Name, err))
	case len(l.again) == maxAgain:
		l.fail(fmt.Errorf("%d records were refused: %w", maxAgain, err))
	default:
		l.refused++
		l.again = append(l.again, f)
	}
}
