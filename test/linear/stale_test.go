package linear_test

import (
	"context"
	"errors"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/await"
)

// staleReadIsFound cuts a node off, which then does not know what the others
// commit. What is read there alone is stale, as the checker has to find; who has a
// horizon is not given it.
func (n *network) staleReadIsFound() {
	t := n.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	last := len(n.Nodes) - 1
	n.cables.Cut(n.Nodes[:last], n.Nodes[last:])
	payer := &person{crowd: n.crowd}
	defer payer.hangUp()
	if err := payer.pays(ctx, account{}); err != nil {
		t.Fatal(err)
	}
	_, err := n.readAt(ctx, last, false)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != message.StatusNotReady {
		t.Errorf("a node that cannot have the block should say so, and says %v", err)
	}
	if got, err := n.readAt(ctx, last, true); err != nil || got.balance != funds {
		t.Fatalf("a node that is cut off should tell what it has, and tells %v (%v)", got, err)
	}
	if isLinear(n.crowd.history.operations(func(*event) bool { return true })) {
		t.Error("a stale read is not found")
	}
	n.cables.Mend()
	await.Within(t, patience, "the node has the block", func() error { _, err := n.readAt(ctx, last, false); return err })
}

// readAt reads the first account at a node, with a horizon or without.
func (n *network) readAt(ctx context.Context, node int, stays bool) (looked, error) {
	n.t.Helper()
	p := &person{number: 1, crowd: n.crowd, node: node, stays: stays}
	defer p.hangUp()
	c, err := p.connect(ctx)
	if err != nil {
		return looked{}, err
	}
	e := event{client: p.number, node: p.process().Name, local: stays, input: look{account{}}, call: n.crowd.history.now()}
	b, err := c.Balance(ctx, n.crowd.owners[0][0].address())
	if err == nil {
		e.output, e.head = looked{b.Balance, b.Nonce}, b.Head
		n.crowd.history.add(e)
	}
	return looked{b.Balance, b.Nonce}, err
}
