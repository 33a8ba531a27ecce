package engine

import (
	"testing"

	"github.com/posnet/posnet/node/types"
)

func TestNetworkCommits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
		alice := types.KeyedAccount(seed("alice").Public())
		for i := range uint64(20) {
			w.mint(int(i%4), alice, 5)
			w.await(i+1, 0, 1, 2, 3)
		}
		for _, n := range w.nodes {
			b, err := n.Balance(t.Context(), alice)
			if err != nil || b.Balance != 100 {
				t.Errorf("%s: balance %d, %v: 100 were minted", n.config.Name, b.Balance, err)
			}
		}
	})
}
