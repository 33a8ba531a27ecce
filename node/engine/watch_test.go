package engine

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// loseDisk takes all from a node that is down.
func (w *network) loseDisk(i int) { w.nodes[i].newDisk() }

// A validator that lost its disk is silent until the chain is past all that it
// can have signed.
func TestLostDiskWatchesThenVotes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(5, 0, 1, 2, 3)
		w.stop(3)
		w.loseDisk(3)
		w.start(3)
		w.await(5, 3)
		quiet(2 * watchEcho)
		for height := uint64(5); height < 5+watchHeights; height++ {
			quiet(20 * time.Millisecond)
			if w.status(3).Voting {
				t.Fatalf("it votes upon height %d", height)
			}
			w.grow(1, 0, 3)
		}
		w.until("it votes", func() bool { return w.status(3).Voting })
		w.stop(2) // from now on it is needed
		w.grow(3, 0, 1, 3)
	})
}

// The validators watch that lost their disks, but not for ever: a chain that
// waits for them goes on.
func TestTwoOfFourLoseTheirDisks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(5, 0, 1, 2, 3)
		for _, i := range []int{2, 3} {
			w.stop(i)
			w.loseDisk(i)
		}
		for _, i := range []int{2, 3} {
			w.start(i)
		}
		began := time.Now()
		w.mint(0, open(t, 1), 1)
		w.await(6, 0, 1, 2, 3)
		if took := time.Since(began); took < watchRounds*300*time.Millisecond {
			t.Errorf("they voted after %v", took)
		}
	})
}

func TestFreshNetworkDoesNotWatch(t *testing.T) {
	for name, stakes := range map[string][]uint64{"one": {5}, "four": {25, 25, 25, 25}, "a heavy one": {70, 30}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				began := time.Now()
				w := newNetwork(t, stakes, nil)
				w.grow(1, 0)
				if took := time.Since(began); took > time.Second {
					t.Errorf("the first block took %v", took)
				}
			})
		})
	}
}

// A network of which all lost everything is a new one.
func TestAllLoseTheirDisks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		for i := range w.nodes {
			w.stop(i)
			w.loseDisk(i)
		}
		for i := range w.nodes {
			w.start(i)
		}
		w.grow(1, 0, 1, 2, 3)
	})
}

// One that hears of no quorum does not vote, whatever a single peer says.
func TestWatchNeedsAQuorum(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		for i := range w.nodes {
			w.stop(i)
		}
		w.loseDisk(3)
		w.start(0)
		w.start(3)
		w.await(3, 3)
		quiet(10 * time.Minute)
		if w.status(3).Voting {
			t.Error("it votes after hearing one peer of three")
		}
		w.start(1)
		w.grow(1, 0, 1, 3)
	})
}

// A liar can keep a validator silent for no longer than the watch may take.
func TestWatchOutlastsALiar(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		w.stop(2)
		w.stop(3)
		w.loseDisk(3)
		w.play(2, &script{linkUp: func(s *script, peer types.PublicKey) {
			s.send(peer, p2p.KindStatus, (&peerStatus{Height: maxHeight}).encode())
		}})
		w.start(3)
		began := time.Now()
		w.until("it votes", func() bool { return w.status(3).Voting })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it watched for %v", took)
		}
		w.grow(2, 0, 1, 3)
	})
}

// Time does not end the watch of one that is still catching up: it would vote
// at heights at which it voted before.
func TestWatchOutlastsCatchingUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(20, 0, 1, 2, 3)
		w.stop(3)
		w.loseDisk(3)
		for _, n := range w.nodes[:3] { // its peers tell of blocks but do not get them through
			n.links.losing(func(to *testNode, kind p2p.Kind, _ []byte) bool { return to.index == 3 && kind == p2p.KindBlocksFound })
		}
		w.start(3)
		quiet(time.Minute)
		if s := w.status(3); s.Voting || s.Ready || s.Height != 0 {
			t.Errorf("at height %d it votes: %v, is ready: %v", s.Height, s.Voting, s.Ready)
		}
		for _, n := range w.nodes[:3] {
			n.links.losing(nil)
		}
		w.await(20, 3)
	})
}

// Before the first block, peers that hold a vote of the life before show it.
func TestOwnVotesOfAnEarlierLifeAreHeeded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		for _, n := range w.nodes[:3] { // nobody but node 3 votes loud enough to be heard
			n.links.losing(losing([]p2p.Kind{p2p.KindVote}))
		}
		w.mint(0, open(t, 1), 1)
		quiet(100 * time.Millisecond)
		if votes := w.nodes[3].links.count(p2p.KindVote); votes == 0 {
			t.Fatal("node 3 has not voted")
		}
		w.stop(3)
		w.loseDisk(3)
		for _, n := range w.nodes[:3] { // they show it what they hold, and cannot decide anything
			n.links.losing(losing([]p2p.Kind{p2p.KindVote}, 0, 1, 2))
		}
		w.start(3)
		for began := time.Now(); time.Since(began) < time.Second; quiet(latency) {
			if s := w.status(3); s.Voting && s.Height == 0 {
				t.Fatal("it votes at a height at which it voted before")
			}
		}
		for _, n := range w.nodes[:3] {
			n.links.losing(nil)
		}
		w.await(1, 0, 1, 2, 3)
	})
}

// A validator that is a quorum by itself, and lost its disk, does not begin
// another chain while the others have the old one.
func TestHeavyValidatorLosesItsDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{70, 20, 10}, nil)
		w.grow(5, 0, 1, 2)
		w.stop(0)
		w.loseDisk(0)
		w.partition([]int{0}, []int{1, 2}, true)
		w.start(0)
		if err := w.nodes[0].Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)}); err != nil {
			t.Fatal(err)
		}
		quiet(time.Second) // its links are slow to come up
		if head := w.nodes[0].Head(); head != 0 {
			t.Fatalf("it is at height %d of a chain of its own", head)
		}
		w.partition([]int{0}, []int{1, 2}, false)
		w.await(6, 0, 1, 2)
	})
}

// The only validator of genesis, to which others have come since, loses its disk:
// all it knows then is a set of itself, and still it begins no other chain.
func TestSoleGenesisValidatorLosesItsDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{10}, nil)
		for range 3 {
			n := w.addNode()
			for _, other := range w.nodes[:n.index] {
				n.knows(other)
				other.knows(n)
			}
		}
		for i := range w.nodes {
			w.start(i)
		}
		quiet(time.Second)
		for i := 1; i < 4; i++ {
			w.changeStake(0, i, 30)
			w.await(uint64(i), 0)
		}
		w.grow(6, 0, 1, 2, 3)
		w.stop(0)
		w.loseDisk(0)
		w.partition([]int{0}, []int{1, 2, 3}, true)
		w.start(0)
		if err := w.nodes[0].Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)}); err != nil {
			t.Fatal(err)
		}
		quiet(time.Second) // its links are slow to come up
		if head := w.nodes[0].Head(); head != 0 {
			t.Fatalf("it is at height %d of a chain of its own", head)
		}
		w.partition([]int{0}, []int{1, 2, 3}, false)
		w.await(w.nodes[1].Head(), 0)
		w.until("it votes", func() bool { w.grow(1, 1, 0); return w.status(0).Voting })
	})
}

// With nobody else there it goes on by itself in the end.
func TestHeavyValidatorAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{70, 20, 10}, nil)
		w.start(0)
		w.until("it votes", func() bool { return w.status(0).Voting })
		w.grow(3, 0)
	})
}
