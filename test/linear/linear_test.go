// Package linear_test records what clients of all nodes of a network see while
// nodes die, stand still and are cut off from each other, and has porcupine say
// whether it could have happened in one place, one thing after another.
package linear_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

var (
	rounds = flag.Int("rounds", 4, "how many troubles befall the network")
	seed   = flag.Uint64("seed", 0, "what troubles, victims and reads are drawn from; 0: another each time")
)

// patience is how long the network may take to start, or to go on after a trouble,
// on a machine that is busy with something else.
const patience = 5 * await.Patience

// network is four nodes whose links can be cut.
type network struct {
	*processes.Network
	t      *testing.T
	random *rand.Rand
	cables *processes.Cables
	crowd  *crowd
}

// begin starts four nodes of equal stake, and those who will talk to them.
func begin(t *testing.T, random *rand.Rand) *network {
	t.Helper()
	d, err := design.Sample("bench")
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{history: &history{began: time.Now()}}
	for pair := range c.owners {
		for side := range c.owners[pair] {
			o := &owner{account: account{pair, side}, key: types.GenerateKey()}
			c.owners[pair][side] = o
			d.Spec.Ledger.Accounts = append(d.Spec.Ledger.Accounts, v1alpha1.AccountBalance{Account: o.address().String(), Balance: funds})
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // it compiles all of the node
	defer cancel()
	dir := t.ArtifactDir() // of a run with -artifacts the logs stay
	binary, err := processes.Build(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{t: t, random: random, crowd: c}
	if n.Network, err = processes.Write(d, binary, dir, 0); err != nil {
		t.Fatal(err)
	}
	if n.cables, err = n.Wire(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(n.Stop(), n.cables.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	c.network, c.nodes = n.Genesis.Network(), n.Nodes
	return n
}

// TestLinearizable first shows that a stale read is found, and not given to who has
// a horizon. Then clients pay and read at all nodes while one trouble after another
// befalls these. What those with a horizon saw is linearizable over the
// whole network; what those without saw is, at each node; and each answer is that
// of the chain at the height it names.
func TestLinearizable(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with the same troubles: go test ./test/linear -run TestLinearizable -v -rounds %d -seed %d", *rounds, *seed)
		}
	})
	n := begin(t, rand.New(rand.NewPCG(*seed, 0)))
	h := n.crowd.history
	n.staleReadIsFound()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n.crowd.start(ctx, n.random)
	for range *rounds {
		n.befall()
		n.goOn()
	}
	cancel()
	n.crowd.wg.Wait()

	check(t, "the network", h.ofNetwork())
	for _, p := range n.Nodes {
		h.checkNode(t, p.Name)
	}
	n.checkHeads()
	t.Logf("%d operations under %d troubles in %.0f s, and %d that failed", len(h.events), *rounds, float64(h.now())/1e9, n.crowd.failed.Load())
	checkBites(t, h.ofNetwork())
}

// goOn waits until a trouble is over: all nodes are linked, and each has
// committed more.
func (n *network) goOn() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	if err := n.AwaitLinked(ctx); err != nil {
		n.t.Fatal(err)
	}
	begun := n.crowd.horizon.Height()
	for _, p := range n.Nodes {
		err := p.Await(ctx, func(s message.Status) error {
			if s.Height < begun+2 {
				return fmt.Errorf("it is at height %d, and was to go on from %d", s.Height, begun)
			}
			return nil
		})
		if err != nil {
			n.t.Fatal(err)
		}
	}
}
