package client_test

import (
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Clients that share a horizon never see less at one node than they saw at
// another: the read waits for the node that is behind.
func TestHorizon(t *testing.T) {
	ahead, behind := newFake(), newFake()
	behind.balance = func(types.Account) message.Balance {
		return message.Balance{Account: types.Genesis, Head: behind.Head()}
	}
	var seen client.Horizon
	first, ctx := dial(t, ahead, client.Options{Horizon: &seen})
	second, _ := dial(t, behind, client.Options{Horizon: &seen})

	if b, err := second.Balance(ctx, types.Genesis); err != nil || b.Head != 0 {
		t.Fatalf("where nothing was seen, a read sees what there is: %+v, %v", b, err)
	}
	a := newAccount(1)
	r := a.Transfer(newAccount(2).Address(), 1)
	ahead.commit(r)
	ahead.commit()
	if got, err := first.Record(ctx, r.ID()); err != nil || got.Head != 2 || seen.Height() != 2 {
		t.Fatalf("%+v, %v; seen: %d", got, err, seen.Height())
	}
	answered := make(chan message.Balance, 1)
	go func() {
		b, err := second.Balance(ctx, types.Genesis)
		if err != nil {
			t.Error(err)
		}
		answered <- b
	}()
	behind.commit(r)
	select {
	case b := <-answered:
		t.Errorf("block 2 was seen, and this is as of block %d", b.Head)
	case <-time.After(20 * time.Millisecond): // long enough for a wrong answer to come most of the time
	}
	behind.commit()
	if b := <-answered; b.Head != 2 {
		t.Errorf("block 2 was seen, and this is as of block %d", b.Head)
	}
}

// Every way of seeing a block moves the horizon, and what was seen is not unseen.
func TestWhatMovesTheHorizon(t *testing.T) {
	f := newFake()
	r := newAccount(1).Transfer(newAccount(2).Address(), 1)
	f.commit(r)
	f.balance = func(types.Account) message.Balance { return message.Balance{Account: types.Genesis, Head: 1} }
	for name, look := range map[string]func(*client.Client) error{
		"balance": func(c *client.Client) error { _, err := c.Balance(t.Context(), types.Genesis); return err },
		"record":  func(c *client.Client) error { _, err := c.Record(t.Context(), r.ID()); return err },
		"proof":   func(c *client.Client) error { _, err := c.Proof(t.Context(), r.ID()); return err },
		"block":   func(c *client.Client) error { _, err := c.Block(t.Context(), -1, client.BlockArgs{}); return err },
		"blocks":  func(c *client.Client) error { _, err := c.Blocks(t.Context(), client.BlocksArgs{}); return err },
		"winners": func(c *client.Client) error { _, err := c.Winners(t.Context(), 1); return err },
	} {
		var seen client.Horizon
		c, _ := dial(t, f, client.Options{Horizon: &seen})
		if err := look(c); err != nil || seen.Height() != 1 {
			t.Errorf("%s: height %d was seen (%v)", name, seen.Height(), err)
		}
	}

	var seen client.Horizon
	c, ctx := dial(t, f, client.Options{Horizon: &seen})
	sub, err := c.Subscribe(ctx, message.TopicWinners)
	if err != nil {
		t.Fatal(err)
	}
	f.commit()
	<-sub.News
	if seen.Saw(1); seen.Height() != 2 {
		t.Errorf("news told of block 2, and height %d was seen", seen.Height())
	}
}
