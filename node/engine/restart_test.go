package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

func TestStoppedNodeCatchesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(1, 0, 1, 2, 3)
		w.stop(3)
		w.grow(300, 0) // more than one answer of blocks holds
		w.start(3)
		w.await(301, 3)
		w.grow(1, 3, 0, 1, 2)
	})
}

// A node that stopped before its first block starts again from what it has.
func TestNodeThatStoppedAtGenesisStartsAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
		quiet(time.Second)
		w.stop(1)
		w.start(1)
		w.grow(1, 1, 0, 2, 3)
	})
}

func TestWholeNetworkStopsAndGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
		all := []int{0, 1, 2, 3}
		for round := range 40 {
			w.grow(2, 0, 1, 2, 3)
			// One more is under way, each time a bit further, when everybody stops.
			w.mint(1, open(t, 2), 1)
			time.Sleep(time.Duration(round) * 200 * time.Microsecond)
			for i := range w.nodes {
				w.stop(i)
			}
			w.checkSame()
			for i := range w.nodes {
				w.start(i)
			}
			// A block that was locked when all stopped is still decided.
			w.mint(2, open(t, 3), 1)
			w.settle(all...)
		}
	})
}

// All validators lock a block, then lose power before anybody sees a quorum of
// precommits. None has the block's records but in its sign log: they decide it.
func TestLockSurvivesPowerLoss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(1, 0, 1, 2, 3)
		for _, n := range w.nodes {
			n.links.losing(func(_ *testNode, kind p2p.Kind, payload []byte) bool {
				vote, err := types.DecodeVote(payload)
				return kind == p2p.KindVote && err == nil && vote.Kind == types.Precommit
			})
		}
		id := w.mint(0, open(t, 7), 7)
		locked := func(n *testNode) bool { return n.view.Load().Height == 2 && !n.view.Load().Locked.IsZero() }
		w.until("all lock the block", func() bool {
			return locked(w.nodes[0]) && locked(w.nodes[1]) && locked(w.nodes[2]) && locked(w.nodes[3])
		})
		block := w.nodes[0].view.Load().Locked
		for i := range w.nodes {
			w.stop(i)
			w.nodes[i].links.losing(nil)
		}
		for i := range w.nodes {
			w.start(i)
		}
		w.await(2, 0, 1, 2, 3)
		b, cert, err := w.nodes[3].Block(t.Context(), 2)
		if err != nil || cert.Block != block || len(b.Records) != 1 || b.Records[0].ID() != id {
			t.Errorf("another block than the locked one was decided: %+v, %v", b, err)
		}
	})
}

// Half of the validators lock a block and lose power; the rest never saw its
// records, which only the sign logs hold now.
func TestLockedBlockIsHandedOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(1, 0, 1, 2, 3)
		for i, n := range w.nodes {
			n.links.losing(func(to *testNode, kind p2p.Kind, payload []byte) bool {
				vote, err := types.DecodeVote(payload)
				precommit := kind == p2p.KindVote && err == nil && vote.Kind == types.Precommit
				records := kind == p2p.KindRecords || kind == p2p.KindRecordsFound
				return precommit || records && to.index == 3 && i != 3
			})
		}
		w.mint(0, open(t, 7), 7)
		locked := func(n *testNode) bool { return n.view.Load().Height == 2 && !n.view.Load().Locked.IsZero() }
		w.until("three lock the block", func() bool { return locked(w.nodes[0]) && locked(w.nodes[1]) && locked(w.nodes[2]) })
		for i := range w.nodes {
			w.stop(i)
			w.nodes[i].links.losing(nil)
		}
		for i := range w.nodes[1:] { // one of those who locked it stays away
			w.start(i + 1)
		}
		w.await(2, 1, 2, 3)
	})
}

// A chain that follows a damaged folder is not gone on with.
func TestDamagedFolders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, nil)
		w.grow(3, 0)
		w.stop(0)
		n := w.nodes[0]
		good := n.data.Store
		for name, c := range map[string]struct {
			key  []byte
			want string
		}{
			"evidence":    {append([]byte{heights.KeyEvidence}, "x"...), "evidence cannot be read"},
			"height info": {heights.InfoKey(3), "height 3"},
		} {
			n.data.Store = &overlaidStore{Store: good, key: c.key, value: []byte("damaged")}
			if err := n.make(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		n.data.Store = good
		n.config.Builder.When = "pool.size >="
		if err := n.make(); err == nil || !strings.Contains(err.Error(), "builder.when") {
			t.Errorf("a rule that does not compile: %v", err)
		}
		n.Engine = nil
	})
}

// A folder that has lost its first blocks, as with a log that Pebble does not miss,
// is not taken for one whose old blocks were let go of.
func TestLostFirstBlocksAreNoticed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{100}, nil)
		n := w.nodes[0]
		w.grow(5, 0)
		w.stop(0)
		for height := n.data.Store.Oldest(); height < 3; height++ {
			raw, _, err := n.data.Store.Aux(heights.InfoKey(height))
			if err != nil {
				t.Fatal(err)
			}
			info, err := heights.DecodeInfo(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := n.data.Store.Put(storage.Change{Key: heights.ParticipantsKey(info.Participants)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.make(); err == nil || !strings.Contains(err.Error(), "are not kept: the data folder is damaged; start with an empty one") {
			t.Errorf("it starts: %v", err)
		}
	})
}
