package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apitypes "k8s.io/apimachinery/pkg/types"

	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
)

// All nodes are known soon, each block at once, and nobody is woken for nothing.
func TestBlocksAreKnownAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	r := newRig(t)
	r.Follow(alpha, network(n))
	r.until("all are online", online(4))
	s := r.until("one has said what one can say of all", func(s *nodes.Snapshot) error {
		if s.Validators == nil || s.Fairness == nil {
			return errors.New("not yet")
		}
		return nil
	})
	if len(s.Validators.Validators) != 4 {
		t.Errorf("validators: %+v", s.Validators)
	}
	for height := uint64(1); height <= 5; height++ {
		mint(t, n)
		began := time.Now()
		r.until("the block is known, of more than a third of the stake", func(s *nodes.Snapshot) error {
			var stake uint64
			for _, node := range s.Nodes {
				if node.Status != nil && node.Status.Height >= height {
					stake += node.Stake
					if len(node.Winners) != int(height) || node.Winners[0].Height != height {
						return fmt.Errorf("its winners are %+v", node.Winners)
					}
				}
			}
			if 3*stake <= 100 {
				return fmt.Errorf("nodes with a stake of %d tell of it", stake)
			}
			return nil
		})
		t.Logf("block %d was known after %v", height, time.Since(began))
	}
}

// An idle network is looked at, and nobody is woken for that.
func TestAnIdleNetworkWakesNobody(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	r := newRig(t)
	for range 3 {
		r.Follow(alpha, network(n))
	}
	r.until("all are online", online(4))
	r.until("one has said what one can say of all", func(s *nodes.Snapshot) error {
		if s.Fairness == nil {
			return errors.New("not yet")
		}
		return nil
	})
	<-time.After(5 * time.Second) // blocks that were told of late are told by then
	r.queueDrained()
	before := r.Snapshot(alpha)
	r.Follow(alpha, network(n))
	<-time.After(7 * time.Second) // a round, and more
	if r.queue.Len() != 0 || r.Snapshot(alpha) != before {
		t.Errorf("%d reconciles are asked for; before %+v, now %+v", r.queue.Len(), before, r.Snapshot(alpha))
	}
	mint(t, n)
	r.woken()
}

// Stakes are changed on the way, and the chain's are told when they are.
func TestStakesAreSettled(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	r := newRig(t)
	w := network(n)
	r.Follow(alpha, w)
	r.until("all are online", online(4))
	bob := n.Design.Keys["bob"]
	change := func(was, stake uint64) plan.StakeChange {
		return plan.StakeChange{Name: "bob", Key: bob.Sign.Public(), VRFKey: bob.VRF.Public(), Was: was, Stake: stake}
	}
	w.Changes = []plan.StakeChange{change(27, 26)}
	r.Follow(alpha, w)
	r.until("bob's stake is changed", stakeOf("bob", 26))
	if s := r.Snapshot(alpha); len(s.Settling.Dropped) > 0 || s.Unsettled != "" {
		t.Errorf("%+v, %s", s.Settling, s.Unsettled)
	}
	w.Changes = []plan.StakeChange{change(27, 20)} // decided on long ago
	w.Authority = types.GenerateKey()
	r.Follow(alpha, w)
	w.Changes = []plan.StakeChange{change(26, 20)}
	r.Follow(alpha, w)
	r.until("the wrong key is told", func(s *nodes.Snapshot) error {
		if !strings.HasPrefix(s.Unsettled, "pool[0].") {
			return errors.New(s.Unsettled)
		}
		return nil
	})
	w.Authority = n.Design.Authority
	r.Follow(alpha, w)
	r.until("with the right key it goes on", stakeOf("bob", 20))
	w.Changes = nil
	r.Follow(alpha, w)
	r.until("nothing is wrong any more", func(s *nodes.Snapshot) error {
		if s.Unsettled != "" || len(s.Settling.UnderWay) > 0 {
			return fmt.Errorf("%+v, %s", s.Settling, s.Unsettled)
		}
		return nil
	})
}

func stakeOf(name string, want uint64) func(*nodes.Snapshot) error {
	return func(s *nodes.Snapshot) error {
		if s.Validators == nil {
			return errors.New("no validators are known")
		}
		for _, v := range s.Validators.Validators {
			if v.Name == name && v.Stake == want {
				return nil
			}
		}
		return fmt.Errorf("%+v (%+v, %s)", s.Validators.Validators, s.Settling, s.Unsettled)
	}
}

// What is followed before the start is followed from then on; a watcher that has
// stopped takes what it is told, and does nothing.
func TestBeforeAndAfter(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	w := nodes.New()
	w.Follow(alpha, network(n))
	w.Follow(apitypes.NamespacedName{Name: "gone"}, network(n))
	w.Forget(apitypes.NamespacedName{Name: "gone"})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Start(ctx) }()
	await.True(t, "it is followed", func() error {
		if s := w.Snapshot(alpha); s == nil || len(s.Online()) < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w.Follow(apitypes.NamespacedName{Name: "late"}, network(n))
	w.Forget(alpha)
}
