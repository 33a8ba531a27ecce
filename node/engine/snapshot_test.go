package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// The distances of these tests are a hundredth of what they are in life.
const (
	testEvery = 10
	testKeep  = 20
)

// forgetful makes a network whose nodes take snapshots often and keep few blocks,
// of which nodes 0 to 2 run, and have the blocks of so many heights. keeps may
// change what a node keeps.
func forgetful(t *testing.T, heights, accounts int, keeps map[int]uint64) *network {
	t.Helper()
	w := prepareNetwork(t, []uint64{25, 25, 25, 10}, func(g *genesis.Genesis, configs []*config.Config) {
		for i, c := range configs {
			c.Storage.KeepBlocks = testKeep
			if keep, ok := keeps[i]; ok {
				c.Storage.KeepBlocks = keep
			}
		}
		for i := range accounts {
			g.Accounts = append(g.Accounts, genesis.Account{Account: types.KeyedAccount(types.PublicKey(types.SumHash(fmt.Append(nil, i)))), Balance: 1})
		}
	})
	for i, n := range w.nodes {
		n.tune = func(e *Engine) { e.keeper.every = testEvery }
		if i < 3 {
			w.start(i)
		}
	}
	quiet(2 * watchEcho)
	w.growTo(uint64(heights))
	return w
}

// growTo has nodes 0 to 2 come to a height, with a change of stakes at every
// seventh, and time enough that each snapshot due is taken.
func (w *network) growTo(height uint64) {
	w.t.Helper()
	for head := w.nodes[0].Head(); head < height; head = w.nodes[0].Head() {
		if head%7 == 3 {
			w.changeStake(0, 3, 11+head/7)
			w.await(head+1, 0, 1, 2)
			continue
		}
		w.grow(1, 0, 1, 2)
		if (head+1)%testEvery == 0 {
			quiet(snapshotPause)
		}
	}
	quiet(time.Second)
}

// checkAlike checks that a node has the same state as another.
func (w *network) checkAlike(a, b int) {
	w.t.Helper()
	w.settle(a, b)
	quiet(0)
	x, y := w.nodes[a].chain, w.nodes[b].chain
	if x.state.Digest() != y.state.Digest() || x.head != y.head || x.next.Seed != y.next.Seed || x.next.Set.Hash() != y.next.Set.Hash() {
		w.t.Errorf("nodes %d and %d differ: heads %+v and %+v", a, b, x.head, y.head)
	}
}

// An empty node that would keep few blocks goes on from a snapshot, takes part,
// starts again from its disk, and gives others what they need.
func TestEmptyNodeGoesOnFromSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 0, nil)
		for i := range 3 {
			if oldest := w.nodes[i].Oldest(); oldest != 45-testKeep+1 {
				t.Errorf("node %d keeps blocks from %d on", i, oldest)
			}
		}
		w.start(3)
		w.await(45, 3)
		w.checkAlike(0, 3)
		if oldest := w.nodes[3].Oldest(); oldest != 41 {
			t.Errorf("it has blocks from %d on: the snapshot is of height 40", oldest)
		}
		w.grow(1, 3, 0, 1, 2)
		w.stop(3)
		w.start(3)
		quiet(time.Second)
		w.grow(1, 3, 0, 1, 2)
		w.checkAlike(1, 3)
		w.growTo(65) // node 3 is of the quorum from here on
		w.stop(0)
		w.grow(3, 3, 1, 2)
		w.nodes[0].newDisk()
		w.stop(1)
		w.nodes[1].newDisk()
		w.cut(0, 2, true)
		w.start(0) // node 3 alone can give it a snapshot
		w.await(68, 0)
		w.checkAlike(0, 3)
	})
}

// A node that is to keep all blocks takes them from whoever has them, and a
// snapshot where nobody has them any more.
func TestNodeThatKeepsAll(t *testing.T) {
	for name, keeps := range map[string]map[int]uint64{"a peer has all": {2: 0, 3: 0}, "no peer has all": {3: 0}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := forgetful(t, 45, 0, keeps)
				w.start(3)
				w.await(45, 3)
				want := uint64(41)
				if len(keeps) == 2 {
					want = 1
				}
				if oldest := w.nodes[3].Oldest(); oldest != want {
					t.Errorf("it has blocks from %d on, want %d", oldest, want)
				}
				w.checkAlike(0, 3)
				w.growTo(80)
				w.await(80, 3)
				if oldest := w.nodes[3].Oldest(); oldest != want {
					t.Errorf("it has blocks from %d on, want %d", oldest, want)
				}
			})
		})
	}
}

// A node that was away so long that its peers have pruned what it lacks goes on
// from a snapshot, and never contradicts what it signed.
func TestNodeThatWasAwayTooLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 5, 0, map[int]uint64{3: 0})
		w.start(3)
		w.await(5, 3)
		w.grow(3, 0, 1, 2, 3)
		w.stop(3)
		w.growTo(45)
		w.start(3)
		w.await(45, 3)
		w.checkAlike(0, 3)
		if n := w.nodes[3]; n.Oldest() != 41 || n.chain.records == 0 {
			t.Errorf("it has blocks from %d on, and %d records", n.Oldest(), n.chain.records)
		}
		w.grow(2, 3, 0, 1, 2)
	})
}

// What a node has no more it says plainly, and all else it answers.
func TestAnswersOfPrunedNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 0, nil)
		w.start(3)
		w.await(45, 3)
		quiet(time.Second)
		for i, oldest := range map[int]uint64{0: 26, 3: 41} {
			n, ctx := w.nodes[i], t.Context()
			_, _, blockErr := n.Block(ctx, 7)
			_, drawErr := n.Draw(ctx, 7, 3)
			_, winnersErr := n.Winners(ctx, 7, 3)
			_, setErr := n.Validators(ctx, 7)
			for what, err := range map[string]error{"block": blockErr, "draw": drawErr, "winners": winnersErr, "validators": setErr} {
				var refused *message.Error
				if !errors.As(err, &refused) || refused.Status != message.StatusNotFound || !strings.Contains(refused.Message, fmt.Sprintf("the oldest that it has is block %d", oldest)) {
					t.Errorf("node %d, %s of height 7: %v", i, what, err)
				}
			}
			if winners, err := n.Winners(ctx, 0, 500); err != nil || len(winners) != int(45-oldest+1) {
				t.Errorf("node %d: %d winners, %v", i, len(winners), err)
			}
			if _, err := n.Record(ctx, types.Hash{1}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("nor in block %d or a newer one", oldest)) {
				t.Errorf("node %d, an old record: %v", i, err)
			}
			if list, err := n.Handovers(ctx, 1, 100); err != nil || len(list) != 6 {
				t.Errorf("node %d: %d handovers, %v", i, len(list), err)
			}
			if s, err := n.Status(ctx); err != nil || s.Oldest != oldest || s.Height != 45 {
				t.Errorf("node %d: %+v, %v", i, s, err)
			}
		}
		if f, err := w.nodes[0].Fairness(t.Context()); err != nil || f.From != 1 || f.Draws != 45 {
			t.Errorf("fairness from %d over %d draws: %v", f.From, f.Draws, err)
		}
		if f, err := w.nodes[3].Fairness(t.Context()); err != nil || f.From != 41 || f.Draws != 5 {
			t.Errorf("fairness from %d over %d draws: %v", f.From, f.Draws, err)
		}
		w.stop(0)
		w.start(0)
		quiet(time.Second)
		if f, err := w.nodes[0].Fairness(t.Context()); err != nil || f.From != 26 || f.Draws != 20 {
			t.Errorf("after a start, fairness from %d over %d draws: %v", f.From, f.Draws, err)
		}
	})
}

// A peer that is gone in the midst of it is no loss: the next goes on where it
// stopped.
func TestPeerGoneAmidSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 30_000, nil)
		var parts atomic.Int64
		w.partition([]int{3}, []int{1, 2}, true)
		w.nodes[0].links.losing(func(to *testNode, kind p2p.Kind, payload []byte) bool {
			what, _, _ := decodeSnapshot(payload)
			return kind == p2p.KindSnapshotFound && what.Piece == piecePart && what.Index > 0
		})
		w.nodes[1].links.losing(func(to *testNode, kind p2p.Kind, payload []byte) bool {
			if what, _, _ := decodeSnapshot(payload); kind == p2p.KindSnapshotFound && what.Piece == piecePart {
				parts.Add(1)
				if what.Index == 0 {
					t.Error("the first part is asked for again")
				}
			}
			return false
		})
		w.start(3)
		quiet(lackPatience + 2*time.Second) // a single peer's word is no reason before
		if head := w.nodes[3].Head(); head != 0 {
			t.Fatalf("it is at height %d with half a state", head)
		}
		w.cut(3, 1, false)
		w.cut(3, 0, true)
		w.await(45, 3)
		w.checkAlike(1, 3)
		if parts.Load() < 2 {
			t.Errorf("the other gave %d parts", parts.Load())
		}
	})
}

// A node that is stopped in the midst of it starts again as it was.
func TestStopAmidSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 30_000, nil)
		stopAt := uint64(0)
		for i := range 3 {
			w.nodes[i].links.losing(func(_ *testNode, kind p2p.Kind, payload []byte) bool {
				what, _, _ := decodeSnapshot(payload)
				return kind == p2p.KindSnapshotFound && what.Piece == piecePart && what.Index >= stopAt
			})
		}
		for stopAt = range uint64(3) {
			w.start(3)
			quiet(time.Second)
			w.stop(3)
			if s := w.nodes[3].data.Store; s.Head() != 0 || s.Oldest() != 1 {
				t.Fatalf("it has heights %d to %d with half a state", s.Oldest(), s.Head())
			}
		}
		stopAt = 1 << 30
		w.start(3)
		w.await(45, 3)
		w.checkAlike(0, 3)
	})
}

// What nobody asked for, or for what is not there, is refused or left alone.
func TestOddQuestionsForSnapshots(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 25, 0, nil)
		w.stop(2)
		var answers atomic.Int64
		s := &script{message: func(_ *script, _ types.PublicKey, kind p2p.Kind, payload []byte) {
			if kind != p2p.KindSnapshotFound {
				return
			}
			if _, body, err := decodeSnapshot(payload); err != nil || len(body) > 0 {
				t.Errorf("an answer of %d bytes: %v", len(body), err)
			}
			answers.Add(1)
		}}
		w.play(2, s)
		for _, what := range []snapshotWanted{
			{}, {Piece: 9}, {Piece: piecePart, At: 20, Index: 1 << 40}, {Piece: piecePart, At: 21}, {Piece: piecePart, At: 10},
			{Piece: piecePart, At: maxHeight + 5, Index: maxHeight},
		} {
			s.send(w.nodes[0].key(), p2p.KindSnapshotWanted, what.encode(nil))
			quiet(time.Second)
		}
		if answers.Load() != 6 {
			t.Errorf("%d answers to six questions", answers.Load())
		}
		idle := newKeeper(w.nodes[0].history, w.nodes[0].links, w.nodes[0].Engine.log)
		for range 5 { // of one peer one question waits
			if err := idle.wants(s.node.key(), (&snapshotWanted{Piece: pieceOffer}).encode(nil)); err != nil || len(idle.asks) != 1 {
				t.Errorf("%d questions wait: %v", len(idle.asks), err)
			}
		}
		if err := w.nodes[0].receive(s.node.key(), p2p.KindSnapshotWanted, []byte("x")); err == nil {
			t.Error("a question of one byte is taken")
		}
		if err := w.nodes[0].receive(s.node.key(), p2p.KindSnapshotFound, (&snapshotWanted{Piece: pieceOffer}).encode([]byte("x"))); !errors.Is(err, errUnasked) {
			t.Errorf("an answer that nobody waits for: %v", err)
		}
	})
}

// onDisk gives a node that is down a folder on disk, or the one that it has again.
func (n *testNode) onDisk(dir string) {
	n.network.t.Helper()
	data, err := storage.Open(dir, storage.Identity{Network: n.network.genesis.Network(), Validator: n.key(), Name: n.config.Name}, nil)
	if err != nil {
		n.network.t.Fatal(err)
	}
	data.SignLog = heededLog{data.SignLog, &n.said}
	n.data = data
}

// The same with both ends on disk: the peer's snapshot is one of the database, the
// node is stopped in the midst of it, and again when it has gone on.
func TestSnapshotFromDiskToDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var w *network
		t.Cleanup(func() { w.nodes[0].data.Close() }) // once the network has looked at it
		w = prepareNetwork(t, []uint64{60, 20, 10, 10}, func(g *genesis.Genesis, configs []*config.Config) {
			for i := range 30_000 {
				g.Accounts = append(g.Accounts, genesis.Account{Account: types.KeyedAccount(types.PublicKey(types.SumHash(fmt.Append(nil, i)))), Balance: 1})
			}
			for _, c := range configs {
				c.Storage.KeepBlocks = 5
			}
		})
		for _, n := range w.nodes {
			n.tune = func(e *Engine) { e.keeper.every = testEvery }
		}
		w.nodes[0].onDisk(t.TempDir())
		w.start(0)
		w.start(1)
		quiet(2 * watchEcho)
		for range 3 {
			w.grow(testEvery, 0, 1)
			quiet(snapshotPause)
		}
		w.grow(3, 0, 1)
		quiet(time.Second)
		if oldest := w.nodes[0].Oldest(); oldest != 2*testEvery {
			t.Errorf("the peer keeps blocks from %d on", oldest)
		}
		w.cut(1, 3, true)
		half := atomic.Bool{}
		half.Store(true)
		w.nodes[0].links.losing(func(_ *testNode, kind p2p.Kind, payload []byte) bool {
			what, _, _ := decodeSnapshot(payload)
			return half.Load() && kind == p2p.KindSnapshotFound && what.Piece == piecePart && what.Index > 0
		})
		dir := t.TempDir()
		again := func() {
			w.stop(3)
			if err := w.nodes[3].data.Close(); err != nil {
				t.Fatal(err)
			}
			w.nodes[3].onDisk(dir)
			w.start(3)
		}
		again()
		quiet(time.Second)
		if n := w.nodes[3]; n.Head() != 0 || n.join.next != 1 {
			t.Fatalf("it is at height %d, with %d parts", n.Head(), n.join.next)
		}
		half.Store(false)
		again()
		w.await(33, 3)
		again()
		w.grow(2, 0, 1, 3)
		w.checkAlike(0, 3)
		if oldest := w.nodes[3].Oldest(); oldest != 3*testEvery+1 {
			t.Errorf("it has blocks from %d on", oldest)
		}
		w.stop(3)
		if err := w.nodes[3].data.Close(); err != nil {
			t.Fatal(err)
		}
		w.nodes[3].newDisk()
	})
}
