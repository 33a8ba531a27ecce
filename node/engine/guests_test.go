package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// enter brings a guest in, or its next reading.
func (w *network) enter(i int, guest string, balance, bpm uint64) {
	w.t.Helper()
	if err := w.nodes[i].Enter(w.t.Context(), seed(guest), balance, bpm); err != nil {
		w.t.Fatal(err)
	}
}

// sessions returns how many session keys a node keeps on disk.
func (n *testNode) sessions(t *testing.T) int {
	t.Helper()
	kept, err := n.data.Store.AuxRange([]byte{keySession}, nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(kept)
}

func TestGuestsWinInProportion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{4, 3, 3}, func(g *genesis.Genesis, configs []*config.Config) {
			when(never)(g, configs)
			for _, c := range configs { // nobody types faster
				c.Consensus.MinBlockInterval = config.Duration(30 * time.Millisecond)
			}
		})
		guests := map[types.PublicKey]string{}
		balances := map[string]uint64{"g100": 100, "g50": 50, "g10": 10}
		for guest, balance := range balances {
			guests[seed(guest).Public()] = guest
			w.enter(0, guest, balance, 70)
		}
		const heights = 400
		won := map[string]int{}
		for height := uint64(1); height <= heights; height++ {
			w.await(height, 0)
			b, _, err := w.nodes[0].Block(t.Context(), height)
			if err != nil {
				t.Fatal(err)
			}
			guest := guests[b.Header.Winner]
			won[guest]++
			if guest == "" {
				continue
			}
			if b.BPM() == 0 {
				t.Fatalf("block %d of a guest holds no reading", height)
			}
			w.enter(0, guest, balances[guest], 60+height%40) // types its next BPM at once
		}
		f, err := w.nodes[0].Fairness(t.Context())
		if err != nil || !f.Fair {
			t.Errorf("the lottery is not fair: %+v, %v", f, err)
		}
		for guest, low := range map[string]int{"g100": 180, "g50": 80, "g10": 8} { // expected 235, 117 and 23
			if won[guest] < low {
				t.Errorf("%s won %d of %d blocks, expected at least %d", guest, won[guest], heights, low)
			}
		}
	})
}

// Each reading is in one block at most, and the newest is in one.
func TestReadingsAreUsedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{4, 3, 3}, when(never))
		w.enter(0, "guest", 1000, 61)
		w.enter(0, "guest", 1000, 62) // takes the place of 61, which waits
		w.until("the reading was in a block", func() bool {
			height := w.nodes[0].Head()
			if height == 0 {
				return false
			}
			b, _, err := w.nodes[0].Block(t.Context(), height)
			return err == nil && b.BPM() == 62
		})
		quiet(time.Minute)
		head := w.nodes[0].Head()
		quiet(10 * time.Minute) // nothing waits any more
		if now := w.nodes[0].Head(); now != head {
			t.Errorf("%d blocks were made for no reason", now-head)
		}
		w.enter(0, "guest", 1000, 63)
		w.until("the next reading was in a block", func() bool {
			b, _, err := w.nodes[0].Block(t.Context(), w.nodes[0].Head())
			return err == nil && b.BPM() == 63
		})
		seen := map[uint64]int{}
		for height := uint64(1); height <= w.nodes[0].Head(); height++ {
			b, _, err := w.nodes[0].Block(t.Context(), height)
			if err != nil {
				t.Fatal(err)
			}
			seen[b.BPM()]++
		}
		if seen[61] != 0 || seen[62] != 1 || seen[63] != 1 {
			t.Errorf("readings in blocks: %v", seen)
		}
	})
}

func TestGuestLeaves(t *testing.T) {
	for name, leave := range map[string]func(w *network){
		"by itself":              func(w *network) { w.nodes[1].Leave(seed("guest").Public()) },
		"as its host restarts":   func(w *network) { w.stop(1); w.start(1) },
		"twice, and once unseen": func(w *network) { w.nodes[1].Leave(seed("x").Public()); leaveTwice(w) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newNetwork(t, []uint64{4, 3, 3}, nil)
				w.enter(1, "guest", 5, 70)
				w.until("the guest is in the draw", func() bool { return w.status(0).Guests == 1 })
				leave(w)
				w.until("the guest is out of the draw", func() bool {
					w.mint(0, open(t, 1), 1)
					return w.status(0).Guests == 0 && w.nodes[1].sessions(t) == 0
				})
				quiet(time.Minute)
				head := w.nodes[0].Head()
				quiet(10 * time.Minute)
				if now := w.nodes[0].Head(); now != head {
					t.Errorf("%d blocks were made for a guest that left", now-head)
				}
				if err := w.nodes[1].Enter(t.Context(), seed("other"), 5, 70); err != nil {
					t.Errorf("the next guest: %v", err)
				}
			})
		})
	}
}

func leaveTwice(w *network) {
	w.nodes[1].Leave(seed("guest").Public())
	w.nodes[1].Leave(seed("guest").Public())
}

func TestGuestLeavesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{4, 3, 3}, nil)
		w.enter(1, "guest", 5, 70)
		w.nodes[1].Leave(seed("guest").Public())
		if err := w.nodes[1].Enter(t.Context(), seed("guest"), 5, 71); err == nil || !strings.Contains(err.Error(), "begin another") {
			t.Errorf("a session that left enters again: %v", err)
		}
		w.until("its key is forgotten", func() bool {
			w.mint(0, open(t, 1), 1)
			return w.nodes[1].sessions(t) == 0 && w.status(0).Guests == 0
		})
	})
}

// An entry that got out just before its host crashed is in the draw later; the
// host still has the key, and takes it out.
func TestEntryThatOutlivesItsHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{3, 3, 4}, when(never))
		w.grow2(t)
		w.partition([]int{0, 1}, []int{2}, true) // the entry goes nowhere but to node 0, which makes no blocks
		w.enter(1, "guest", 5, 70)
		quiet(10 * time.Millisecond)
		w.stop(1)
		entry := w.nodes[0].oldest(1)
		if len(entry) != 1 || entry[0].Type != types.Entry {
			t.Fatalf("the pool holds %v", entry)
		}
		w.stop(0) // and with it the pool
		w.start(0)
		w.partition([]int{0, 1}, []int{2}, false)
		w.start(1)
		for range 3 { // blocks come, and the entry is in none of them
			w.grow2(t)
		}
		if n := w.nodes[1].sessions(t); n != 1 {
			t.Fatalf("the host keeps %d keys", n)
		}
		w.nodes[0].hear(w.nodes[1].key(), entry, 1) // somebody had it all the time
		w.nodes[2].hear(w.nodes[1].key(), entry, 1)
		for range 6 {
			w.grow2(t)
		}
		if n := w.nodes[1].sessions(t); n != 0 {
			t.Errorf("the host keeps %d keys", n)
		}
		if account, _ := w.nodes[0].Balance(t.Context(), types.KeyedAccount(seed("guest").Public())); account.Nonce < 2 {
			t.Errorf("the guest never left: nonce %d", account.Nonce)
		}
	})
}

// grow2 makes a block though no rule holds: a guest comes and goes.
func (w *network) grow2(t *testing.T) {
	t.Helper()
	head := w.nodes[2].Head()
	guest := seed("passer" + time.Now().String())
	if err := w.nodes[2].Enter(t.Context(), guest, 1, 70); err != nil {
		t.Fatal(err)
	}
	w.nodes[2].Leave(guest.Public())
	w.until("both are in blocks", func() bool { return w.nodes[2].Head() > head && w.nodes[2].PoolSize().Records == 0 })
	quiet(10 * latency)
}

// A key that was kept for an entry which never came is let go in the end.
func TestGhostsAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{4, 3, 3}, when(never))
		key := seed("ghost")
		secret := key.Seed()
		w.stop(1)
		if err := w.nodes[1].data.Store.Put(storage.Change{Key: sessionKey(key.Public()), Value: secret[:]}); err != nil {
			t.Fatal(err)
		}
		w.start(1)
		w.enter(0, "guest", 5, 70)
		w.await(1, 1)
		if n := w.nodes[1].sessions(t); n != 1 {
			t.Errorf("%d keys are kept", n)
		}
		quiet(ghostPatience)
		w.enter(0, "guest", 5, 71)
		w.until("it is forgotten", func() bool { return w.nodes[1].sessions(t) == 0 })
	})
}

// A host that lost its disk cannot sign its guest's reading: that must not keep
// the chain busy for ever.
func TestReadingNobodyCanUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 30}, when(never))
		w.enter(2, "guest", 1, 70)
		w.await(1, 0, 1, 2)
		w.stop(2)
		w.loseDisk(2)
		w.start(2)
		w.until("blocks come to an end", func() bool {
			head := w.nodes[0].Head()
			quiet(time.Minute)
			return w.nodes[0].Head() == head
		})
		if head := w.nodes[0].Head(); head > maxReadingHeights+10 {
			t.Errorf("%d blocks were made for it", head)
		}
	})
}

// A reading whose session this node has lost is no reason for it to make blocks.
func TestReadingOfALostSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1_000_000_000}, when(never))
		w.enter(0, "guest", 1, 70) // who is hardly ever drawn
		w.await(5, 0)
		w.stop(0)
		if err := w.nodes[0].data.Store.Put(storage.Change{Key: sessionKey(seed("guest").Public())}); err != nil {
			t.Fatal(err)
		}
		head := w.nodes[0].Head()
		w.start(0)
		quiet(time.Minute)
		if now := w.nodes[0].Head(); now > head+1 {
			t.Errorf("%d blocks were made for it", now-head)
		}
	})
}

// A block made in a guest's name has room for its reading.
func TestGuestsReadingFindsRoom(t *testing.T) {
	for name, limit := range map[string]func(*config.Builder){
		"records": func(b *config.Builder) { b.MaxRecords = 2 },
		"bytes":   func(b *config.Builder) { b.MaxBytes = 700 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var builder config.Builder
				w := newNetwork(t, []uint64{1}, func(g *genesis.Genesis, c []*config.Config) {
					when(never)(g, c)
					limit(&c[0].Builder)
					c[0].Consensus.MinBlockInterval = config.Duration(time.Second)
					builder = c[0].Builder
				})
				w.enter(0, "guest", 1000, 70)
				for range 100 { // so that all blocks are full
					w.mint(0, open(t, 1), 1)
				}
				w.await(3, 0)
				readings := 0
				for height := uint64(1); height <= w.nodes[0].Head(); height++ {
					b, _, err := w.nodes[0].Block(t.Context(), height)
					if err != nil {
						t.Fatal(err)
					}
					bytes := 0
					for _, r := range b.Records {
						bytes += len(r.Raw())
						if r.Type == types.Reading {
							readings++
						}
					}
					if len(b.Records) > builder.MaxRecords || bytes > builder.MaxBytes {
						t.Errorf("block %d has %d records of %d bytes", height, len(b.Records), bytes)
					}
				}
				if readings == 0 {
					t.Error("the guest never won")
				}
			})
		})
	}
}

// The guests of a host that is removed leave with it.
func TestHostIsRemoved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 30, 1}, nil)
		w.enter(3, "guest", 5, 70)
		w.until("the guest is in the draw", func() bool { return w.status(0).Guests == 1 })
		w.changeStake(0, 3, 0)
		w.until("the guest is out of the draw", func() bool {
			w.mint(0, open(t, 1), 1)
			return w.status(0).Guests == 0
		})
		if err := w.nodes[3].Enter(t.Context(), seed("late"), 5, 70); err == nil || !strings.Contains(err.Error(), "no validator") {
			t.Errorf("a guest enters with a host that is no validator: %v", err)
		}
		if n := w.nodes[3].sessions(t); n > 1 {
			t.Errorf("%d keys are kept", n)
		}
	})
}

func TestEnterRefusals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, func(g *genesis.Genesis, c []*config.Config) {
			when(never)(g, c)
			g.Params.MaxGuests = 2
		})
		if err := w.nodes[0].Enter(t.Context(), seed("rich"), 1001, 70); err == nil {
			t.Error("a guest brought more than the network allows")
		}
		w.enter(0, "a", 10, 70)
		w.await(3, 0)
		r := &types.Record{Type: types.Reading, Sender: types.KeyedAccount(seed("twice").Public()), BPM: 70}
		if err := w.nodes[0].Merge(t.Context(), []*types.Record{r.Sign(w.genesis.Network(), seed("twice"))}); err != nil {
			t.Fatal(err)
		}
		if err := w.nodes[0].Enter(t.Context(), seed("twice"), 10, 70); err == nil {
			t.Error("a guest entered with a key that is in use")
		}
		w.enter(0, "b", 10, 70)
		w.until("it is in a block", func() bool { return w.nodes[0].PoolSize().Records == 0 })
		if err := w.nodes[0].Enter(t.Context(), seed("c"), 10, 70); err == nil || !strings.Contains(err.Error(), "no place") {
			t.Errorf("a third guest where two are allowed: %v", err)
		}
		if n := w.nodes[0].sessions(t); n != 2 {
			t.Errorf("%d keys are kept: those refused were never in", n)
		}
		r = &types.Record{Type: types.Entry, Validator: w.nodes[0].key(), Amount: 1, BPM: 1, Session: seed("x").Public(), Time: 1}
		r.Sign(w.genesis.Network(), seed("x"))
		if err := w.nodes[0].Merge(t.Context(), []*types.Record{r}); err == nil || !strings.Contains(err.Error(), "console") {
			t.Errorf("an entry came in by the API: %v", err)
		}
	})
}
