//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

const (
	// people send records beside each other, each the next one when its last one is
	// in a block.
	people = 6
	// tryPatience is how long a node is given to bring a record into a block, before
	// the same record is given to another one, as a careful wallet does.
	tryPatience = 10 * time.Second
	// retryPause keeps those whom a node has refused from asking too often.
	retryPause = 200 * time.Millisecond
)

// flow is people who send records while other things happen.
type flow struct {
	n     *network
	stop  context.CancelFunc
	wg    sync.WaitGroup
	limit context.Context // ends what waits for its block for ever

	mu   sync.Mutex
	sent map[types.Hash]uint64 // heights by ids
	errs []error
}

// startFlow has people send records to a network, by the nodes of these validators,
// from now until the flow is ended.
func (n *network) startFlow(t *testing.T, validators ...string) *flow {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	f := &flow{n: n, stop: stop, limit: t.Context(), sent: map[types.Hash]uint64{}}
	c := n.dial(t, validators[0])
	status, err := c.Status(ctx)
	must(t, err)
	crowd := make([]*person, people)
	for i := range crowd {
		key := types.NewPrivateKey(types.SumHash(fmt.Appendf(nil, "%s %s %d", t.Name(), n.key.Name, i)))
		crowd[i] = &person{f: f, account: client.NewAccount(key, status.NetworkID, 0), validators: validators, turn: i}
	}
	for i, p := range crowd {
		p.to = crowd[(i+1)%people].account.Address()
		f.wg.Go(func() {
			if err := p.live(ctx); err != nil {
				f.mu.Lock()
				f.errs = append(f.errs, err)
				f.mu.Unlock()
			}
		})
	}
	t.Cleanup(func() { stop(); f.wg.Wait() })
	return f
}

// end ends the flow, and checks that none of what was sent is lost: each record is
// in one block, at every validator's node the same.
func (f *flow) end(t *testing.T) {
	t.Helper()
	f.stop()
	f.wg.Wait()
	must(t, errors.Join(f.errs...))
	if len(f.sent) < people {
		t.Errorf("only %d records were sent: the flow is no load", len(f.sent))
	}
	for _, validator := range f.n.validators(t) {
		got := f.n.records(t, validator)
		for id, height := range f.sent {
			if at := got[id]; len(at) != 1 || at[0] != height {
				t.Errorf("%s has record %s at heights %v: it was committed at %d, once", validator, id.Short(), at, height)
			}
		}
	}
	t.Logf("%d records were sent meanwhile, and none is lost", len(f.sent))
}

// person sends one record after another.
type person struct {
	f          *flow
	account    *client.Account
	to         types.Account
	validators []string
	turn       int // whose node is asked

	line *client.Client // nil: none
	news *client.Subscription
}

func (p *person) live(ctx context.Context) error {
	defer p.hangUp()
	if err := p.bring("a mint", client.Mint(p.account.Address(), 1000), p.funded); err != nil {
		return err
	}
	for ctx.Err() == nil {
		r := p.account.Transfer(p.to, 1)
		id := r.ID()
		if err := p.bring("record "+id.Short(), r, func(ctx context.Context) (bool, error) { return p.committed(ctx, id) }); err != nil {
			return err
		}
	}
	return nil
}

// funded reports whether the account has tokens. The id of a mint depends on which
// node takes it in, and when.
func (p *person) funded(ctx context.Context) (bool, error) {
	b, err := p.line.Balance(ctx, p.account.Address())
	return b.Balance > 0, err
}

// committed reports whether a record is in a block, and keeps in which.
func (p *person) committed(ctx context.Context, id types.Hash) (bool, error) {
	fate, err := p.line.Record(ctx, id)
	if err != nil || fate.State != message.Committed {
		return false, err
	}
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	p.f.sent[id] = fate.Height
	return true, nil
}

// bring brings a record into a block, by one node or another.
func (p *person) bring(what string, r *types.Record, arrived func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(p.f.limit, patience)
	defer cancel()
	for {
		err := p.try(ctx, r, arrived)
		if err == nil {
			return nil
		}
		p.hangUp()
		p.turn++
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is in no block after %s: %w", what, patience, err)
		case <-time.After(retryPause):
		}
	}
}

// try gives a record to one node, and waits for its block.
func (p *person) try(ctx context.Context, r *types.Record, arrived func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	if err := p.call(ctx); err != nil {
		return err
	}
	refused := p.line.Merge(ctx, r) // also where it is in already: its fate tells
	for {
		if done, err := arrived(ctx); err != nil {
			return errors.Join(refused, err)
		} else if done {
			return nil
		}
		select {
		case _, open := <-p.news.News: // a block
			if !open {
				return p.line.Err()
			}
		case <-ctx.Done():
			return fmt.Errorf("asking %s: %w", p.validators[p.turn%len(p.validators)], ctx.Err())
		}
	}
}

// call connects to the node whose turn it is, unless there is a connection.
func (p *person) call(ctx context.Context) (err error) {
	if p.line != nil {
		return nil
	}
	if p.line, err = client.Dial(ctx, p.f.n.url(p.validators[p.turn%len(p.validators)]), client.Options{}); err != nil {
		p.line = nil
		return err
	}
	p.news, err = p.line.Subscribe(ctx, message.TopicWinners)
	return err
}

func (p *person) hangUp() {
	if p.line != nil {
		p.line.Close()
		p.line = nil
	}
}
