package engine

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// Two halves stand still, and go on together.
func TestPartitionInHalves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		w.partition([]int{0, 1}, []int{2, 3}, true)
		for i := range w.nodes {
			w.mint(i, open(t, i+1), 1) // the same at the same instant would be one record
		}
		quiet(time.Minute)
		for i, n := range w.nodes {
			if n.Head() > 4 { // a block that was under way may have come through
				t.Errorf("node %d is at height %d", i, n.Head())
			}
			if s := w.status(i); !s.Ready || s.OnlineStake != 50 {
				t.Errorf("node %d: ready %v, %d of stake online: a chain that stands still does not make it unready", i, s.Ready, s.OnlineStake)
			}
		}
		w.partition([]int{0, 1}, []int{2, 3}, false)
		began := time.Now()
		w.until("all four mints are in blocks", func() bool {
			var sum uint64
			for i := range w.nodes {
				b, err := w.nodes[3].Balance(t.Context(), open(t, i+1))
				if err != nil {
					t.Fatal(err)
				}
				sum += b.Balance
			}
			return sum == 3+4
		})
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v to go on", took)
		}
		w.settle(0, 1, 2, 3)
	})
}

// One is cut off, and comes back to a chain that is far ahead.
func TestOneIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.partition([]int{3}, []int{0, 1, 2}, true)
		w.grow(30, 0, 1, 2)
		w.mint(3, open(t, 2), 1)
		w.partition([]int{3}, []int{0, 1, 2}, false)
		w.await(30, 3)
		w.until("what waited with it is in a block", func() bool {
			b, err := w.nodes[0].Balance(t.Context(), open(t, 2))
			return err == nil && b.Balance == 1
		})
	})
}

var (
	chaosSeeds = flag.Int("chaos-seeds", 12, "how many seeds TestChaos plays")
	chaosSeed  = flag.Int64("chaos-seed", -1, "play this one seed only")
)

// TestChaos stops, starts, cuts and loses at random. Whatever happens no two
// nodes commit different blocks, and once it is over the chain goes on.
func TestChaos(t *testing.T) {
	for n := range uint64(*chaosSeeds) {
		if *chaosSeed >= 0 {
			n = uint64(*chaosSeed)
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("play it again with: go test ./node/engine -run TestChaos -chaos-seed=%d", n)
				}
			}()
			bubble(t, func(t *testing.T) { playChaos(t, rand.New(rand.NewPCG(n, 1))) })
		})
		if *chaosSeed >= 0 {
			return
		}
	}
}

func playChaos(t *testing.T, rng *rand.Rand) {
	w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
	var mu sync.Mutex // the links ask from many goroutines
	losses := rand.New(rand.NewPCG(rng.Uint64(), 2))
	chance := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return losses.IntN(100) < n
	}
	for range 60 {
		i, k := rng.IntN(4), rng.IntN(4)
		up := w.nodes[i].live.Load() != nil
		switch rng.IntN(9) {
		case 8: // the lightest loses its disk; where the chain stands still for longer than it watches, it may contradict itself
			w.guilty = true
			w.stop(3)
			w.loseDisk(3)
			w.start(3)
		case 0:
			w.stop(i)
		case 1:
			if !up {
				w.start(i)
			}
		case 2:
			if i != k {
				w.cut(i, k, true)
			}
		case 3:
			if i != k {
				w.cut(i, k, false)
			}
		case 4:
			percent := rng.IntN(40)
			w.nodes[i].links.losing(func(*testNode, p2p.Kind, []byte) bool { return chance(percent) })
		case 5:
			w.nodes[i].links.losing(nil)
		default:
			if up { // a node that is behind may refuse it
				_ = w.nodes[i].Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)})
			}
		}
		time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
	}
	for i, n := range w.nodes {
		n.links.losing(nil)
		for k := range i {
			w.cut(i, k, false)
		}
		if n.live.Load() == nil {
			w.start(i)
		}
	}
	quiet(10 * time.Second)
	head := w.settle(0, 1, 2, 3)
	w.grow(2, 0, 1, 2, 3)
	if now := w.settle(0, 1, 2, 3); now < head+2 {
		t.Errorf("the chain is at height %d, and was at %d", now, head)
	}
}

// Nodes that stop under load leave nobody waiting.
func TestCloseWhileBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		stop := make(chan struct{})
		var clients sync.WaitGroup
		for i := range 20 {
			clients.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(time.Duration(n%3) * 100 * time.Microsecond):
					}
					_ = w.nodes[i%4].Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)})
					_ = w.nodes[i%4].WaitBlock(t.Context(), uint64(n))
				}
			})
		}
		w.await(20, 0, 1, 2, 3)
		for i := range w.nodes {
			w.stop(i)
		}
		close(stop)
		clients.Wait()
		for i, n := range w.nodes {
			if err := n.Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)}); err == nil {
				t.Errorf("node %d takes records though it is closed", i)
			}
			if err := n.Enter(t.Context(), seed("late"), 1, 1); err == nil {
				t.Errorf("node %d takes guests though it is closed", i)
			}
			n.Leave(seed("late").Public())
			n.LinkDown(w.nodes[0].key())
		}
	})
}
