//go:build e2e

package e2e

import (
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
)

// recordsStory: records are sent to one pod only, and are in the same blocks on all.
func recordsStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	key := types.NewPrivateKey(types.SumHash([]byte(t.Name())))
	to := types.KeyedAccount(key.Public())
	c := n.dial(t, "bob")
	const count = 5
	for i := range count {
		must(t, c.Merge(within(t, patience), client.Mint(to, uint64(i+1))))
	}
	for _, validator := range n.validators(t) {
		n.awaitBalance(t, validator, to, 1+2+3+4+5)
	}
	found := 0
	for _, b := range n.sameBlocks(t) {
		for _, item := range b.Items {
			if item.Record.Receiver == to {
				found++
			}
		}
	}
	if found != count {
		t.Errorf("%d of %d records are in blocks", found, count)
	}
}

// awaitBalance waits, block by block, until an account has so much by a node.
func (n *network) awaitBalance(t *testing.T, validator string, account types.Account, want uint64) {
	t.Helper()
	c := n.dial(t, validator)
	for range 10 { // blocks; one or two are enough
		b, err := c.Balance(within(t, patience), account)
		must(t, err)
		if b.Balance == want {
			return
		}
		n.goesOn(t, validator, 1)
	}
	t.Fatalf("%s does not tell of a balance of %d after ten blocks", validator, want)
}
