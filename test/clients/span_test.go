package clients_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
	"github.com/posnet/posnet/test/wire"
)

// spanRule is the sample's rule, and shortSpan how long its span is here.
const (
	spanRule  = "pool.span >= duration('3m')"
	shortSpan = 300 * time.Millisecond
)

// span designs the sample's network, with a rule made of the sample's.
func span(t *testing.T, rule func(string) string) *design.Design {
	t.Helper()
	d := sample(t, "span")
	if d.Spec.Builder.When != spanRule {
		t.Fatalf("the sample's rule is %s", d.Spec.Builder.When)
	}
	d.Spec.Builder.When = rule(spanRule)
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	return d
}

// By the rule of the span a block comes once the pool's records have come in
// over a while, however many they are and however long they wait.
func TestBlocksBySpan(t *testing.T) {
	n := inprocess.Start(t, span(t, func(rule string) string { return strings.Replace(rule, "3m", shortSpan.String(), 1) }), 0)
	s := wire.Dial(t, n.Nodes[0].Addresses().API)

	// Three that come at once have no span, and wait longer than the rule's.
	one := mint[strings.Index(mint, `{"sender"`):strings.Index(mint, `]}}`)]
	s.Expect(strings.Replace(mint, one, one+","+one+","+one, 1), accepted)
	time.Sleep(2 * shortSpan) // what is tested is that time passes
	if got := s.Ask(askPool); !shownPool(3).MatchString(got) {
		t.Fatalf("the pool is %s", got)
	}
	s.Expect(askBlocks, noBlocks)

	s.Expect(mint, accepted)
	await.True(t, "one block of all four", func() error { return checkOneBlock(s, 4) })
	s.Expect(askPool, emptyPool)
}

func checkOneBlock(s *wire.Socket, items int) error {
	var blocks struct{ Response message.Blocks }
	answer := s.Ask(askBlocks)
	if err := json.Unmarshal([]byte(answer), &blocks); err != nil {
		return err
	}
	if len(blocks.Response.Blocks) != 1 || len(blocks.Response.Blocks[0].Items) != items {
		return fmt.Errorf("the chain is %s", answer)
	}
	return nil
}

// The span goes by when records arrive, not by what their senders say: signed
// ones that claim to be hours apart make no block before the fourth of them,
// for which the rule here has a second half.
func TestSpanCannotBeForged(t *testing.T) {
	d := span(t, func(rule string) string { return rule + " || pool.size >= 4" })
	key := types.GenerateKey()
	d.Spec.Ledger.Accounts = []v1alpha1.AccountBalance{{Account: key.Public().String(), Balance: 100}}
	n := inprocess.Start(t, d, 0)
	c := n.Nodes[0].Dial()
	s := wire.Dial(t, n.Nodes[0].Addresses().API)
	for i, claimed := range []time.Duration{-5 * time.Hour, -3 * time.Hour, -time.Hour, 0} {
		r := &types.Record{
			Type: types.Transfer, Time: types.TimeOf(time.Now().Add(claimed)), Nonce: uint64(i), Amount: 1,
			Sender: types.KeyedAccount(key.Public()), Receiver: types.KeyedAccount(d.Authority.Public()),
		}
		if err := c.Merge(context.Background(), r.Sign(n.Genesis.Network(), key)); err != nil {
			t.Fatal(err)
		}
		if i < 3 { // each node asks its rule at each change of its pool
			awaitPools(t, n, i+1)
			s.Expect(askBlocks, noBlocks)
		}
	}
	await.True(t, "one block of all four", func() error { return checkOneBlock(s, 4) })
}

func awaitPools(t *testing.T, n *inprocess.Network, size int) {
	t.Helper()
	for _, v := range n.Nodes {
		c := v.Dial()
		await.True(t, fmt.Sprintf("%d records in the pool of %s", size, v.Name), func() error {
			pool, err := c.Pool(context.Background(), client.PoolArgs{})
			if err == nil && len(pool.Pool) != size {
				err = fmt.Errorf("there are %d", len(pool.Pool))
			}
			return err
		})
	}
}
