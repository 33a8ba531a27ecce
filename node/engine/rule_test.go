package engine

import (
	"testing"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// Three records are reason for a block, though one of them turns out to be
// unpayable: the other two do not have to wait for a third.
func TestDroppedRecordDoesNotUndoTheRule(t *testing.T) {
	for name, place := range map[string]int{"first": 0, "between": 1, "last": 2} {
		t.Run(name, func(t *testing.T) {
			w := newNetwork(t, []uint64{25, 25, 25, 25}, func(_ *genesis.Genesis, configs []*config.Config) {
				for _, c := range configs {
					c.Builder.When = "pool.size >= 3"
				}
			})
			alice := types.KeyedAccount(seed("alice").Public())
			poor, err := types.ParseAccount("11111111-1111-4111-8111-111111111111")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: alice, Amount: 7}
				if i == place {
					r.Sender = poor
				}
				if err := w.nodes[0].Merge(t.Context(), []*types.Record{r}); err != nil {
					t.Fatal(err)
				}
			}
			w.await(1, 0, 1, 2, 3)
			b, _, err := w.nodes[0].Block(t.Context(), 1)
			if err != nil || len(b.Records) != 2 {
				t.Errorf("the block has %d records (%v): 2 can be paid for", len(b.Records), err)
			}
		})
	}
}
