package linear_test

import (
	"context"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// checkHeads plays the chain and holds each answer against what it has at the
// height that the answer names: one height, one answer, whichever node gave it.
func (n *network) checkHeads() {
	t := n.t
	t.Helper()
	answers := map[uint64][]event{}
	for _, e := range n.crowd.history.events {
		if e.head > 0 {
			answers[e.head] = append(answers[e.head], e)
		}
	}
	owners := map[types.Account]account{}
	var purses [pairs]purse
	for pair := range purses {
		purses[pair] = model.Init().(purse)
		for side, o := range n.crowd.owners[pair] {
			owners[o.address()] = account{pair, side}
		}
	}
	checked := 0
	for _, b := range n.chain() {
		for _, item := range b.Items {
			from := owners[item.Record.Sender]
			ok := purses[from.pair].nonce[from.side] == item.Record.Nonce
			if purses[from.pair] = purses[from.pair].paid(from.side); !ok {
				t.Fatalf("block %d holds a payment of %v with nonce %d, out of turn", b.Index, from, item.Record.Nonce)
			}
		}
		for _, e := range answers[b.Index] {
			checked++
			if !holds(purses[pairOf(e.input)], e) {
				t.Errorf("%s, as of block %d: %v → %v, and the chain has %+v there", e.node, e.head, e.input, e.output, purses[pairOf(e.input)])
			}
		}
	}
	t.Logf("%d answers are those of the heights they name", checked)
}

// holds reports whether an answer is that of a state. A payment names the height
// that it is committed at.
func holds(s purse, e event) bool {
	if p, ok := e.input.(pay); ok {
		return s.nonce[p.from.side] > p.nonce
	}
	ok, _ := model.Step(s, e.input, e.output)
	return ok
}

// chain returns all blocks.
func (n *network) chain() (chain []message.Block) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, n.Nodes[0].Config.Listen.API, client.Options{Horizon: &n.crowd.horizon})
	if err != nil {
		n.t.Fatal(err)
	}
	defer c.Close()
	for {
		page, err := c.Blocks(ctx, client.BlocksArgs{Start: int64(len(chain)), Limit: message.MaxBlocks})
		if err != nil {
			n.t.Fatal(err)
		}
		if len(page.Blocks) == 0 {
			return chain
		}
		chain = append(chain, page.Blocks...)
	}
}

func isLinear(operations []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(model, operations, checkPatience) == porcupine.Ok
}

// checkBites spoils a history that was recorded, in ways that a broken node could,
// and checks that the checker finds each.
func checkBites(t *testing.T, operations []porcupine.Operation) {
	t.Helper()
	late := lookAfterPayments(operations)
	if late < 0 {
		t.Error("nobody looked at an account that had paid")
		return
	}
	seen := operations[late].Output.(looked)
	for what, wrong := range map[string]any{
		"a read that is stale":          looked{seen.balance + seen.nonce, 0},
		"tokens that are nobody's":      looked{seen.balance + funds, seen.nonce},
		"a payment that is taken back":  looked{seen.balance + 1, seen.nonce - 1},
		"a payment that was never made": looked{seen.balance - 1, seen.nonce + 1_000},
	} {
		spoilt := slices.Clone(operations)
		spoilt[late].Output = wrong
		if isLinear(spoilt) {
			t.Errorf("%s is not found", what)
		}
	}
}

// lookAfterPayments returns the last look whose account has paid before it, and
// no payment of it under way.
func lookAfterPayments(operations []porcupine.Operation) int {
	for i, op := range slices.Backward(operations) {
		in, ok := op.Input.(look)
		if !ok || op.Output.(looked).nonce == 0 {
			continue
		}
		busy := slices.ContainsFunc(operations, func(other porcupine.Operation) bool {
			p, ok := other.Input.(pay)
			return ok && p.from == in.at && other.Call <= op.Return && other.Return >= op.Call
		})
		if !busy {
			return i
		}
	}
	return -1
}
