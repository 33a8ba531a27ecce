package engine

import (
	"context"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// when sets the rule of all validators.
func when(rule string) func(*genesis.Genesis, []*config.Config) {
	return func(_ *genesis.Genesis, configs []*config.Config) {
		for _, c := range configs {
			c.Builder.When = rule
		}
	}
}

// never is a rule that never holds.
const never = "pool.size >= 1000000"

// Three records are reason for a block, though one of them turns out to be
// unpayable: the other two do not have to wait for a third.
func TestDroppedRecordDoesNotUndoTheRule(t *testing.T) {
	for name, place := range map[string]int{"first": 0, "between": 1, "last": 2} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newNetwork(t, []uint64{25, 25, 25, 25}, when("pool.size >= 3"))
				for i := range 3 {
					r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: open(t, 1), Amount: 7}
					if i == place {
						r.Sender = open(t, 2)
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
		})
	}
}

// A chain without reason for a block stands still, and nobody signs anything.
func TestIdleChainSignsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		quiet(time.Second)
		said := func() (n int) {
			for _, node := range w.nodes {
				for _, kind := range []p2p.Kind{p2p.KindVote, p2p.KindProposal, p2p.KindCandidate, p2p.KindPass} {
					n += node.links.count(kind)
				}
			}
			return n
		}
		before := said()
		quiet(10 * time.Minute)
		if head := w.nodes[0].Head(); head != 3 || said() != before {
			t.Errorf("ten idle minutes brought %d messages of agreement and height %d", said()-before, head)
		}
		for i := range w.nodes {
			if s := w.status(i); !s.Ready {
				t.Errorf("node %d is not ready: %s", i, s.NotReady)
			}
		}
		w.grow(1, 2, 0, 1, 3)
	})
}

func TestIdleRuleMakesEmptyBlocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, when("idle >= duration('10s')"))
		began := time.Now()
		w.await(6, 0, 1, 2, 3)
		if took := time.Since(began); took < 50*time.Second || took > 65*time.Second {
			t.Errorf("six blocks took %v: one comes each ten seconds", took)
		}
	})
}

// The interval between blocks is kept, also when the whole network was
// restarted in between.
func TestMinBlockInterval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval = 10 * time.Second
		w := newNetwork(t, []uint64{25, 25, 25, 25}, func(_ *genesis.Genesis, configs []*config.Config) {
			for _, c := range configs {
				c.Consensus.MinBlockInterval = config.Duration(interval)
			}
		})
		w.grow(1, 0, 1, 2, 3)
		last := time.Now()
		for restart := range 2 {
			if restart == 1 {
				for i := range w.nodes {
					w.stop(i)
				}
				for i := range w.nodes {
					w.start(i)
				}
				quiet(time.Second)
			}
			w.grow(1, 0, 1, 2, 3)
			if passed := time.Since(last); passed < interval || passed > interval+2*time.Second {
				t.Errorf("%v passed between two blocks (restart %d): the interval is %v", passed, restart, interval)
			}
			last = time.Now()
		}
	})
}

// A pool full of records that wait for others is looked at less often, but what
// comes to it is in a block soon all the same.
func TestPayableRecordBehindManyThatWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, func(_ *genesis.Genesis, configs []*config.Config) {
			configs[0].Builder.Interval = config.Duration(time.Hour)
		})
		w.nodes[0].call(func() { w.nodes[0].packNext = time.Now().Add(500 * time.Millisecond) })
		began := time.Now()
		w.grow(1, 0)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the block took %v", took)
		}
	})
}

// A validator that is a quorum by itself, and always has reason for a block, still
// does what others want of it, and stops.
func TestSoleValidatorHearsOthers(t *testing.T) {
	w := prepareNetwork(t, []uint64{1}, when("true"))
	w.start(0)
	n := w.nodes[0]
	const patience = 10 * time.Second // many times what it takes
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := n.WaitBlock(ctx, 20); err != nil {
		t.Fatalf("it is at height %d: %v", n.Head(), err)
	}
	if err := n.query(ctx, func() {}); err != nil {
		t.Errorf("the main loop does not come round: %v", err)
	}
	closed := make(chan struct{})
	go func() { w.stop(0); close(closed) }()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("it does not stop")
	}
}
