package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
	"github.com/posnet/posnet/test/standin"
)

func TestMain(m *testing.M) {
	standin.Child()
	goleak.VerifyTestMain(m)
}

var alpha = apitypes.NamespacedName{Namespace: "test", Name: "alpha"}

// rig is a watcher that runs, and the queue that it wakes.
type rig struct {
	*nodes.Watcher
	t     *testing.T
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Watcher: nodes.New(), t: t, queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())}
	ctx, cancel := context.WithCancel(context.Background())
	if err := r.Source().Start(ctx, r.queue); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.queue.ShutDown()
	})
	return r
}

// woken waits for the watcher to ask for a reconcile.
func (r *rig) woken() {
	r.t.Helper()
	item, _ := r.queue.Get()
	r.queue.Done(item)
	if item.NamespacedName != alpha {
		r.t.Errorf("%v is to be reconciled", item)
	}
}

// until waits until what is known is right.
func (r *rig) until(what string, right func(*nodes.Snapshot) error) *nodes.Snapshot {
	r.t.Helper()
	var s *nodes.Snapshot
	await.True(r.t, what, func() error {
		if s = r.Snapshot(alpha); s == nil {
			return errors.New("nothing is known")
		}
		return right(s)
	})
	return s
}

// start starts the quickstart's network with a rule.
func start(t *testing.T, rule string, change func(*design.Design)) *inprocess.Network {
	t.Helper()
	m, err := manifest.Load("../../../config/samples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := design.New(m)
	d.Spec.Builder.When = rule
	d.Spec.Builder.Interval.Duration = 20 * time.Millisecond
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	if change != nil {
		change(d)
	}
	return inprocess.Start(t, d, 1)
}

// network is what to follow of a network that runs.
func network(n *inprocess.Network) nodes.Network {
	out := nodes.Network{ID: n.Genesis.Network(), Authority: n.Design.Authority}
	for i, v := range n.Nodes {
		out.Targets = append(out.Targets, nodes.Target{
			Name: v.Name, Key: n.Design.Keys[v.Name].Sign.Public(), Address: v.Config.Listen.API,
			Stake: uint64(n.Design.Spec.Validators[i].Stake), Pod: "1",
		})
	}
	return out
}

// online says that so many nodes are online, and all that is wrong with the others.
func online(want int) func(*nodes.Snapshot) error {
	return func(s *nodes.Snapshot) error {
		if got := len(s.Online()); got != want {
			return fmt.Errorf("%d nodes are online, want %d: %+v", got, want, s.Nodes)
		}
		return nil
	}
}

// mint gives the network a record to make a block of.
func mint(t *testing.T, n *inprocess.Network) {
	t.Helper()
	account := types.KeyedAccount(n.Design.Keys["alice"].Sign.Public())
	if err := n.Nodes[0].Backend().Merge(t.Context(), []*types.Record{client.Mint(account, 1)}); err != nil {
		t.Fatal(err)
	}
}
