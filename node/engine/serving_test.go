package engine

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// walkedStore counts the walks over its views.
type walkedStore struct {
	storage.Store
	walks *atomic.Int64
}

type walkedView struct {
	storage.View
	walks *atomic.Int64
}

func (s walkedStore) View() (storage.View, error) {
	v, err := s.Store.View()
	return walkedView{v, s.walks}, err
}

func (v walkedView) State(yield func(key, value []byte) error) error {
	v.walks.Add(1)
	return v.View.State(yield)
}

// many gives a genesis many accounts.
func many(g *genesis.Genesis, accounts int) {
	for i := range accounts {
		g.Accounts = append(g.Accounts, genesis.Account{Account: types.KeyedAccount(types.PublicKey(types.SumHash(fmt.Append(nil, i)))), Balance: 1})
	}
}

// crowded makes the keeper of a node that has a snapshot of so many parts, two to a
// window, and counts how often it walks over the state.
func crowded(t *testing.T) (k *keeper, height uint64, parts int, walks *atomic.Int64) {
	t.Helper()
	w := prepareNetwork(t, []uint64{25, 25}, func(g *genesis.Genesis, _ []*config.Config) { many(g, 60_000) })
	w.start(0)
	w.start(1)
	quiet(2 * watchEcho)
	w.grow(3, 0, 1)
	walks = &atomic.Int64{}
	view, err := walkedStore{w.nodes[0].data.Store, walks}.View()
	if err != nil {
		t.Fatal(err)
	}
	k = newKeeper(w.nodes[0].history, w.nodes[0].links, slog.New(slog.DiscardHandler))
	k.add(&kept{height: 2, view: view})
	if body, err := k.offer(seed("joiner").Public()); err != nil || body == nil {
		t.Fatalf("no offer: %v", err)
	}
	k.serve.peers = map[types.PublicKey]*place{}
	cut := k.list[0].cut
	k.serve.window = 2 * (cut.Bytes / cut.Parts())
	walks.Store(0)
	if cut.Parts() < 8 {
		t.Fatalf("the state has %d parts only", cut.Parts())
	}
	return k, 2, cut.Parts(), walks
}

// give has a peer get a part, and checks that it is the right one.
func give(t *testing.T, k *keeper, to types.PublicKey, height uint64, part int) {
	t.Helper()
	body, err := k.body(asked{to, snapshotWanted{Piece: piecePart, At: height, Index: uint64(part)}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := decodeEntries(body)
	if err != nil {
		t.Fatalf("part %d: %v", part, err)
	}
	outline, err := ledger.DecodeOutline(k.list[0].cut.Outline)
	if err != nil {
		t.Fatal(err)
	}
	if err := outline.Check(part, list); err != nil {
		t.Error(err)
	}
}

// Peers that fetch at once, be it at different parts, do not cost more walks over the
// state than one after another; and those at the same part cost as many as one.
func TestJoinersDoNotDisturbEachOther(t *testing.T) {
	for name, c := range map[string]struct{ lead, shared int }{"together": {0, 1}, "one ahead": {5, 2}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, height, parts, walks := crowded(t)
				a, b := seed("a").Public(), seed("b").Public()
				for i := range parts + c.lead {
					if i < parts {
						give(t, k, a, height, i)
					}
					if i >= c.lead {
						give(t, k, b, height, i-c.lead)
					}
				}
				if most := int64(c.shared * (parts + 1) / 2); walks.Load() > most {
					t.Errorf("%d walks over the state for %d parts, want %d at most", walks.Load(), parts, most)
				}
				if len(k.serve.peers) > 0 {
					t.Errorf("%d peers have a place still", len(k.serve.peers))
				}
			})
		})
	}
}

// More peers than can be served are told that there is nothing, until one of those
// before them has all or asks no more; what is in memory is bounded.
func TestSoManyJoinersAreServed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, height, parts, walks := crowded(t)
		key := func(i int) types.PublicKey { return seed(fmt.Sprint("joiner ", i)).Public() }
		offered := func(i int) bool {
			body, err := k.body(asked{key(i), snapshotWanted{Piece: pieceOffer}})
			if err != nil {
				t.Fatal(err)
			}
			return body != nil
		}
		for i := range maxServed {
			if !offered(i) {
				t.Fatalf("joiner %d gets no offer", i)
			}
			give(t, k, key(i), height, 2*i%parts)
		}
		if offered(maxServed) {
			t.Error("one too many gets an offer")
		}
		before := walks.Load()
		if body, err := k.body(asked{key(maxServed), snapshotWanted{Piece: piecePart, At: height, Index: 3}}); body != nil || err != nil || walks.Load() > before {
			t.Errorf("one too many gets %d bytes: %v", len(body), err)
		}
		windows := map[*window]bool{}
		for _, p := range k.serve.peers {
			windows[p.window] = true
		}
		if len(windows) > maxServed || len(k.serve.peers) != maxServed {
			t.Errorf("%d windows of %d peers", len(windows), len(k.serve.peers))
		}
		give(t, k, key(0), height, parts-1)
		if !offered(maxServed) || offered(maxServed+1) {
			t.Error("the place of one that has all is not free, or two are")
		}
		quiet(servedPatience / 2)
		give(t, k, key(1), height, 0)
		quiet(servedPatience / 2)
		if !offered(maxServed + 1) {
			t.Error("the place of one that asks no more is not free")
		}
		give(t, k, key(1), height, 1) // it was there all the while
		k.drop(k.list[0])
		for _, p := range k.serve.peers {
			if p.window != nil {
				t.Error("parts of a snapshot that is gone are in memory")
			}
		}
		k.list = nil
	})
}

// Nodes that lost their disks together, and have only one peer to ask, all get there
// before long.
func TestManyJoinOnePeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const joiners = maxServed + 2
		stakes := []uint64{100, 100, 100}
		all := []int{0, 1, 2}
		for range joiners {
			stakes = append(stakes, 1)
		}
		w := prepareNetwork(t, stakes, func(g *genesis.Genesis, configs []*config.Config) {
			many(g, 15_000)
			for _, c := range configs {
				c.Storage.KeepBlocks = 5
			}
		})
		var walks atomic.Int64
		w.nodes[0].data.Store = walkedStore{w.nodes[0].data.Store, &walks}
		for i := range 3 {
			w.nodes[i].tune = func(e *Engine) {
				e.keeper.every = testEvery
				e.keeper.serve.window = 1 // byte: one part
			}
			w.start(i)
		}
		quiet(2 * watchEcho)
		for range 3 {
			w.grow(testEvery, 0, 1, 2)
			quiet(snapshotPause)
		}
		w.grow(2, 0, 1, 2)
		for i := 3; i < len(stakes); i++ {
			for other := 1; other < len(stakes); other++ {
				w.cut(i, other, true)
			}
			all = append(all, i)
		}
		walks.Store(0)
		began := time.Now()
		for i := 3; i < len(stakes); i++ {
			w.start(i)
		}
		w.await(32, all[3:]...)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %v until all were there", took)
		}
		t.Logf("%v, %d walks over the state", time.Since(began), walks.Load())
		for _, i := range all[3:] {
			w.checkAlike(0, i)
			if refused := w.nodes[i].log.count("a peer's snapshot is of no use: another is asked"); refused > 6 {
				t.Errorf("node %d was turned away %d times", i, refused)
			}
		}
	})
}

// A peer that has nothing to offer is asked again soon, each time, and is not doubted
// the more.
func TestNoOfferIsNoDoubt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, peer := snapshotDoubts{}, seed("v0").Public()
		for range 5 {
			d.pass(peer)
			if !d.about(peer) {
				t.Error("it is asked again at once")
			}
			quiet(noOfferPause)
			if d.about(peer) {
				t.Errorf("it is not asked after %v", noOfferPause)
			}
		}
		d.add(peer)
		quiet(snapshotDoubt)
		if d.about(peer) {
			t.Error("what was no doubt counts as one")
		}
	})
}
