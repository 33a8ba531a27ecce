package engine

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// never is a rule that never holds: only guests bring blocks about.
func never(_ *genesis.Genesis, configs []*config.Config) {
	for _, c := range configs {
		c.Builder.When = "pool.size >= 1000000"
	}
}

func TestGuestWinsInProportion(t *testing.T) {
	w := newNetwork(t, []uint64{4, 3, 3}, func(g *genesis.Genesis, configs []*config.Config) {
		never(g, configs)
		for _, c := range configs { // nobody types faster
			c.Consensus.MinBlockInterval = config.Duration(30 * time.Millisecond)
		}
	})
	balances := map[types.PublicKey]uint64{}
	keys := []types.PrivateKey{seed("g100"), seed("g50"), seed("g10")}
	for i, balance := range []uint64{100, 50, 10} {
		balances[keys[i].Public()] = balance
		if err := w.nodes[0].Enter(t.Context(), keys[i], balance, 70); err != nil {
			t.Fatal(err)
		}
	}
	const heights = 200
	won := map[types.PublicKey]int{}
	for height := uint64(1); height <= heights; height++ {
		w.await(height, 0)
		b, _, err := w.nodes[0].Block(t.Context(), height)
		if err != nil {
			t.Fatal(err)
		}
		won[b.Header.Winner]++
		if _, guest := balances[b.Header.Winner]; guest && b.BPM() == 0 {
			t.Fatalf("block %d of a guest holds no reading", height)
		}
		for i, key := range keys { // each types its next BPM at once
			if key.Public() == b.Header.Winner {
				if err := w.nodes[0].Enter(t.Context(), keys[i], balances[key.Public()], 60+height%40); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	f, err := w.nodes[0].Fairness(t.Context())
	if err != nil || !f.Fair {
		t.Errorf("the lottery is not fair: %+v, %v", f, err)
	}
	for i, low := range []int{80, 35, 3} { // expected 117, 58 and 12
		if n := won[keys[i].Public()]; n < low {
			t.Errorf("guest with balance %d won %d of %d blocks, expected at least %d", balances[keys[i].Public()], n, heights, low)
		}
	}
}

func TestGuestLeaves(t *testing.T) {
	w := newNetwork(t, []uint64{4, 3, 3}, nil)
	key := seed("guest")
	if err := w.nodes[1].Enter(t.Context(), key, 500, 70); err != nil {
		t.Fatal(err)
	}
	w.await(3, 0, 1, 2)
	w.nodes[1].Leave(key.Public())
	w.awaitGuests(0)
}

func TestGuestsOfARestartedHostLeave(t *testing.T) {
	w := newNetwork(t, []uint64{4, 3, 3}, nil)
	if err := w.nodes[1].Enter(t.Context(), seed("guest"), 500, 70); err != nil {
		t.Fatal(err)
	}
	w.await(3, 0, 1, 2)
	w.stop(1)
	w.start(1)
	w.awaitGuests(0)
}

func TestEnterRefusals(t *testing.T) {
	w := newNetwork(t, []uint64{1}, func(g *genesis.Genesis, c []*config.Config) {
		never(g, c)
		g.Params.MaxGuests = 1
	})
	if err := w.nodes[0].Enter(t.Context(), seed("rich"), 1001, 70); err == nil {
		t.Error("a guest brought more than the network allows")
	}
	if err := w.nodes[0].Enter(t.Context(), seed("a"), 10, 70); err != nil {
		t.Fatal(err)
	}
	w.await(3, 0)
	if err := w.nodes[0].Enter(t.Context(), seed("b"), 10, 70); err == nil {
		t.Error("a second guest entered where one is allowed")
	}
}

// awaitGuests waits until the draw has so many guests; blocks go on meanwhile,
// for a guest that left is drawn for one more height.
func (w *network) awaitGuests(want int) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s, err := w.nodes[0].Status(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if s.Guests == want && s.Height > 3 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the draw has %d guests at height %d, wanted %d", s.Guests, s.Height, want)
		}
		w.mint(0, types.KeyedAccount(seed("alice").Public()), 1)
		time.Sleep(5 * time.Millisecond)
	}
}
