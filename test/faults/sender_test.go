package faults_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

const (
	// senders each send a record every pace: 400 a second together.
	senders = 8
	pace    = 20 * time.Millisecond
	// funds is what each has at the beginning: more than it can spend.
	funds = 1_000_000
	// retry is how long a sender waits before it tries another node.
	retry = 20 * time.Millisecond
	// answerPatience is how long a sender waits for a node's answer. Nodes that die
	// drive all senders to the one that stands still next, and if they stayed there
	// the others would have nothing to make blocks of.
	answerPatience = 3 * time.Second
)

// sender is one account and the careful program that spends from it: it keeps
// what it has signed, and where the node it talks to is gone it goes to the
// next and sends again all that no block has yet.
type sender struct {
	key     types.PrivateKey
	to      types.Account
	network types.Hash
	nodes   []*processes.Process
	node    int
	client  *client.Client // nil: not connected

	mu       sync.Mutex
	made     []*types.Record // by nonce
	accepted int             // how many of them a node took in
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.hangUp()
			return
		case <-tick.C:
			s.deliver(ctx, s.next())
		}
	}
}

// next signs one more transfer.
func (s *sender) next() *types.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &types.Record{
		Type: types.Transfer, Sender: s.account(), Receiver: s.to, Amount: 1,
		Nonce: uint64(len(s.made)), Time: types.TimeOf(time.Now()),
	}
	s.made = append(s.made, r.Sign(s.network, s.key))
	return r
}

func (s *sender) account() types.Account { return types.KeyedAccount(s.key.Public()) }

// deliver tries until a node has taken the record in, or ctx ends.
func (s *sender) deliver(ctx context.Context, r *types.Record) {
	for ctx.Err() == nil {
		err := s.send(ctx, r)
		if err == nil {
			s.mu.Lock()
			s.accepted = int(r.Nonce) + 1
			s.mu.Unlock()
			return
		}
		s.hangUp()
		s.node++
		wait(ctx, retry)
	}
}

// send gives the present node one record.
func (s *sender) send(ctx context.Context, r *types.Record) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := s.connect(ctx); err != nil {
		return err
	}
	return s.client.Merge(ctx, r)
}

// connect connects to the present node if need be, and sends it all that was
// signed and is in no block.
func (s *sender) connect(ctx context.Context) error {
	if s.client != nil {
		return nil
	}
	c, err := s.nodes[s.node%len(s.nodes)].Dial(ctx)
	if err != nil {
		return err
	}
	if err := s.resend(ctx, c); err != nil {
		c.Close()
		return err
	}
	s.client = c
	return nil
}

func (s *sender) resend(ctx context.Context, c *client.Client) error {
	b, err := c.Balance(ctx, s.account())
	if err != nil {
		return err
	}
	s.mu.Lock()
	rest := slices.Clone(s.made[min(b.Nonce, uint64(len(s.made))):])
	s.mu.Unlock()
	if len(rest) == 0 {
		return nil
	}
	return c.Merge(ctx, rest...)
}

func (s *sender) hangUp() {
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}

// load is all senders at work.
type load struct {
	senders []*sender
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// startLoad starts the senders, each at another node.
func startLoad(t *testing.T, n *processes.Network, keys []types.PrivateKey) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	for i, key := range keys {
		s := &sender{
			key: key, to: types.KeyedAccount(keys[(i+1)%len(keys)].Public()),
			network: n.Genesis.Network(), nodes: n.Nodes, node: i,
		}
		l.senders = append(l.senders, s)
		l.wg.Go(func() { s.run(ctx) })
	}
	t.Cleanup(l.stop)
	return l
}

// stop ends the sending.
func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// total is how many records were signed.
func (l *load) total() (sum int) {
	for _, s := range l.senders {
		sum += len(s.made)
	}
	return sum
}

// settle sees to it that all that was signed is in blocks, sending again what a
// killed node took with it.
func (l *load) settle(t *testing.T, p *processes.Process) {
	t.Helper()
	c := dial(t, p)
	for i, s := range l.senders {
		await.Within(t, patience, fmt.Sprintf("all records of sender %d are in blocks", i), func() error {
			ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
			defer cancel()
			b, err := c.Balance(ctx, s.account())
			if err == nil && b.Nonce != uint64(len(s.made)) {
				err = fmt.Errorf("%d of %d are", b.Nonce, len(s.made))
				if again := s.resend(ctx, c); again != nil {
					err = again
				}
			}
			return err
		})
	}
}

func dial(t *testing.T, p *processes.Process) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c, err := p.Dial(ctx)
	if err != nil {
		t.Fatalf("node %s: %v; the end of its log: %s", p.Name, err, p.LastWords())
	}
	t.Cleanup(c.Close)
	return c
}
