package engine

import (
	"context"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

func TestStoppedNodeCatchesUp(t *testing.T) {
	w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
	alice := types.KeyedAccount(seed("alice").Public())
	w.mint(0, alice, 1)
	w.await(1, 0, 1, 2, 3)
	w.stop(3)
	for i := range uint64(600) { // more than one answer of blocks holds
		w.mint(int(i%3), alice, 1)
		w.await(i+2, 0)
	}
	w.start(3)
	w.await(601, 3)
	w.mint(3, alice, 1)
	w.await(602, 0, 1, 2, 3)
}

func TestWholeNetworkStopsAndGoesOn(t *testing.T) {
	w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
	alice := types.KeyedAccount(seed("alice").Public())
	height := uint64(0)
	for range 5 {
		for range 3 {
			w.mint(0, alice, 1)
			height++
			w.await(height, 0, 1, 2, 3)
		}
		// One more, so that it is likely under way when everybody stops.
		r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: alice, Amount: 1}
		if err := w.nodes[1].Merge(t.Context(), []*types.Record{r}); err != nil {
			t.Fatal(err)
		}
		for i := range w.nodes {
			w.stop(i)
		}
		for i := range w.nodes {
			w.start(i)
		}
		head := uint64(0)
		for _, n := range w.nodes {
			head = max(head, n.Head())
		}
		w.await(head, 0, 1, 2, 3)
		height = head
		// A block that was locked when all stopped is still decided.
		w.mint(2, alice, 1)
		w.await(height+1, 0, 1, 2, 3)
		height = w.settle()
	}
}

func TestRestartBeforeTheFirstBlock(t *testing.T) {
	w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
	for i := range w.nodes {
		w.stop(i)
	}
	for i := range w.nodes {
		w.start(i)
	}
	w.mint(0, types.KeyedAccount(seed("alice").Public()), 1)
	w.await(1, 0, 1, 2, 3)
}

// settle waits until all nodes are at one height with an empty pool.
func (w *network) settle() uint64 {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		head, same := w.nodes[0].Head(), true
		for _, n := range w.nodes {
			same = same && n.Head() == head && n.PoolSize().Records == 0
		}
		if same {
			return head
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("the nodes did not settle on one height")
	return 0
}

func TestLostDiskWatchesThenVotes(t *testing.T) {
	w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
	alice := types.KeyedAccount(seed("alice").Public())
	for i := range uint64(5) {
		w.mint(0, alice, 1)
		w.await(i+1, 0, 1, 2, 3)
	}
	w.stop(3)
	w.nodes[3].data = storage.NewMemory()
	w.start(3)
	w.await(5, 3)
	if s, _ := w.nodes[3].Status(t.Context()); s.Voting {
		t.Error("a validator that lost its disk votes at once")
	}
	deadline := time.Now().Add(patience)
	for height := uint64(6); ; height++ {
		w.mint(0, alice, 1)
		w.await(height, 0, 3)
		if s, _ := w.nodes[3].Status(t.Context()); s.Voting {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the validator never votes again")
		}
	}
}

func TestMissingRecordsAreAskedFor(t *testing.T) {
	// The others' rules never hold, so that node 0 makes every block; and its
	// records reach nobody before the proposal names them.
	w := newNetwork(t, []uint64{25, 25, 25, 25}, func(_ *genesis.Genesis, configs []*config.Config) {
		for _, c := range configs[1:] {
			c.Builder.When = "pool.size >= 1000000"
		}
	})
	alice := types.KeyedAccount(seed("alice").Public())
	w.nodes[0].links.mute(true)
	r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: alice, Amount: 7}
	if err := w.nodes[0].Merge(context.Background(), []*types.Record{r}); err != nil {
		t.Fatal(err)
	}
	w.await(1, 0, 1, 2, 3)
	for _, n := range w.nodes {
		if b, _ := n.Balance(t.Context(), alice); b.Balance != 7 {
			t.Errorf("%s: balance %d: 7 were minted", n.config.Name, b.Balance)
		}
	}
}
