package linear_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/processes"
)

const (
	// pairs of accounts, and a client for each account that pays from it.
	pairs = 4
	// pace is the longest pause of a client between two operations.
	pace = 20 * time.Millisecond
	// burst is how many reads come without a pause.
	burst = 5
	// retry is the pause before something is tried again.
	retry = 5 * time.Millisecond
	// answerPatience is how long a client waits for an answer: longer than most
	// nodes stand still, so that some reads span that.
	answerPatience = 3 * time.Second
)

// owner is an account's key and all that was ever paid with it.
type owner struct {
	account account
	key     types.PrivateKey
	mu      sync.Mutex
	signed  []*types.Record // by nonce
}

func (o *owner) address() types.Account { return types.KeyedAccount(o.key.Public()) }

// next signs the next transfer.
func (o *owner) next(network types.Hash, to *owner) *types.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &types.Record{
		Type: types.Transfer, Sender: o.address(), Receiver: to.address(), Amount: 1,
		Nonce: uint64(len(o.signed)), Time: types.TimeOf(time.Now()),
	}
	o.signed = append(o.signed, r.Sign(network, o.key))
	return r
}

// recent draws one of the newest transfers.
func (o *owner) recent(random *rand.Rand) *types.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.signed) == 0 {
		return nil
	}
	return o.signed[len(o.signed)-1-random.IntN(min(3, len(o.signed)))]
}

// person is one client program: it does one thing at a time, at one node, and
// goes on to another where that is gone.
type person struct {
	number  int
	crowd   *crowd
	random  *rand.Rand
	node    int
	stays   bool // it knows one node alone, and has no horizon
	present *client.Client
}

// crowd is all persons.
type crowd struct {
	network types.Hash
	nodes   []*processes.Process
	owners  [pairs][2]*owner
	history *history
	horizon client.Horizon
	failed  atomic.Int64 // answers that did not come
	wg      sync.WaitGroup
}

// start lets all persons loose: who pays from each account, and at each node
// readers of both kinds.
func (c *crowd) start(ctx context.Context, random *rand.Rand) {
	number := 0
	join := func(node int, stays bool, do func(context.Context, *person) error) {
		p := &person{number: number, crowd: c, node: node, stays: stays, random: rand.New(rand.NewPCG(random.Uint64(), 0))}
		number++
		c.wg.Go(func() { p.live(ctx, do) })
	}
	for pair := range c.owners {
		for side := range c.owners[pair] {
			join(number, false, func(ctx context.Context, p *person) error { return p.pays(ctx, account{pair, side}) })
		}
	}
	for node := range c.nodes {
		for _, stays := range []bool{false, true} {
			join(node, stays, func(ctx context.Context, p *person) error { return p.reads(ctx) })
		}
	}
}

// live does one thing after another until ctx ends.
func (p *person) live(ctx context.Context, do func(context.Context, *person) error) {
	defer p.hangUp()
	for ctx.Err() == nil {
		if err := do(ctx, p); err != nil {
			p.crowd.failed.Add(1)
			p.leave(ctx, err)
		}
		pause(ctx, time.Duration(p.random.Int64N(int64(pace))))
	}
}

// leave goes to another node, unless this person knows one alone.
func (p *person) leave(ctx context.Context, err error) {
	var refused *client.Error
	if !errors.As(err, &refused) || !p.stays {
		p.hangUp()
	}
	if !p.stays {
		p.node++
	}
	pause(ctx, retry)
}

func (p *person) hangUp() {
	if p.present != nil {
		p.present.Close()
		p.present = nil
	}
}

func (p *person) process() *processes.Process { return p.crowd.nodes[p.node%len(p.crowd.nodes)] }

// connect returns the connection to the present node.
func (p *person) connect(ctx context.Context) (*client.Client, error) {
	if p.present != nil {
		return p.present, nil
	}
	var o client.Options
	if !p.stays {
		o.Horizon = &p.crowd.horizon
	}
	c, err := client.Dial(ctx, p.process().Config.Listen.API, o)
	p.present = c
	return c, err
}

// pays makes a transfer and sees to it that it is committed, however often that
// takes sending it again. A transfer that ctx cut short may be committed or not.
func (p *person) pays(ctx context.Context, from account) error {
	o := p.crowd.owners[from.pair][from.side]
	r := o.next(p.crowd.network, p.crowd.owners[from.pair][1-from.side])
	e := event{client: p.number, input: pay{from, r.Nonce}, call: p.crowd.history.now()}
	for ctx.Err() == nil {
		fate, err := p.submit(ctx, r)
		if err != nil {
			p.crowd.failed.Add(1)
			p.leave(ctx, err)
			continue
		}
		e.node, e.head = p.process().Name, fate.Height
		p.crowd.history.add(e)
		return nil
	}
	e.end = forever
	p.crowd.history.keep(e)
	return nil
}

// submit sends a record to the present node and waits until it is in a block there.
func (p *person) submit(ctx context.Context, r *types.Record) (message.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	c, err := p.connect(ctx)
	if err == nil {
		err = c.Merge(ctx, r)
	}
	for err == nil {
		var fate message.Record
		if fate, err = c.Record(ctx, r.ID()); err == nil && fate.State == message.Committed {
			return fate, nil
		}
		pause(ctx, retry)
	}
	return message.Record{}, err
}

// reads looks at an account several times, one right after another: what comes
// into sight step by step is caught between two steps.
func (p *person) reads(ctx context.Context) error {
	at := account{p.random.IntN(pairs), p.random.IntN(2)}
	for range burst {
		if err := p.read(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// read looks at an account, or asks after one of its transfers.
func (p *person) read(ctx context.Context, at account) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	o := p.crowd.owners[at.pair][at.side]
	r := o.recent(p.random)
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	e := event{client: p.number, node: p.process().Name, local: p.stays, call: p.crowd.history.now()}
	if r == nil || p.random.IntN(2) == 0 {
		var b message.Balance
		b, err = c.Balance(ctx, o.address())
		e.input, e.output, e.head = look{at}, looked{b.Balance, b.Nonce}, b.Head
	} else {
		var fate message.Record
		fate, err = c.Record(ctx, r.ID())
		e.input, e.output, e.head = ask{pay{at, r.Nonce}}, fate.State == message.Committed, fate.Head
		if isUnknown(err) {
			err = nil // it is on its way: not committed
		}
	}
	if err == nil {
		p.crowd.history.add(e)
	}
	return err
}

func isUnknown(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Status == message.StatusNotFound
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
