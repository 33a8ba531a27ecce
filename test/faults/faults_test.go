// Package faults_test lets everything befall nodes, as processes of their own and
// under load, that befalls processes and their disks, and checks that the chain
// loses nothing by it.
package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

// stretch is how many blocks the chain makes before a blow is over.
const stretch = 5

// patience is how long anything may take, on a machine and a disk that may be busy
// with something else; a node that catches up may take it for each step.
const patience = 5 * await.Patience

// earName is the validator that the test itself plays. Its stake decides nothing.
const earName = "ear"

// arena is a network that things befall.
type arena struct {
	t      *testing.T
	n      *processes.Network // without the ear
	random *rand.Rand
	ear    *ear
	signed *ledgers
	load   *load
	told   []*witness
	deaths int
}

// begin starts four nodes of equal stake, any one of which may fail, with those
// who load and watch them.
func begin(t *testing.T, random *rand.Rand) *arena {
	t.Helper()
	d, err := design.Sample("bench")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Validators[0].Stake = 100
	d.Spec.Validators = append(d.Spec.Validators, v1alpha1.Validator{Name: earName, Stake: 1})
	keys := make([]types.PrivateKey, senders)
	for i := range keys {
		keys[i] = types.GenerateKey()
		d.Spec.Ledger.Accounts = append(d.Spec.Ledger.Accounts, v1alpha1.AccountBalance{Account: keys[i].Public().String(), Balance: funds})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // it compiles all of the node
	defer cancel()
	dir := t.ArtifactDir() // of a run with -artifacts the logs stay
	binary, err := processes.Build(ctx, dir, "failpoints")
	if err != nil {
		t.Fatal(err)
	}
	n, err := processes.Write(d, binary, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := &arena{t: t, n: n, random: random, signed: newLedgers()}
	t.Cleanup(func() {
		if t.Failed() {
			a.report()
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	a.ear = listen(t, n, n.Nodes[len(n.Nodes)-1])
	n.Nodes = n.Nodes[:len(n.Nodes)-1]
	for _, p := range n.Nodes {
		a.restart(p)
	}
	a.whole()
	for _, p := range n.Nodes {
		a.told = append(a.told, watch(t, p))
	}
	a.load = startLoad(t, n, keys)
	return a
}

// any draws nodes.
func (a *arena) any(count int) []*processes.Process {
	out := slices.Clone(a.n.Nodes)
	a.random.Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out[:count]
}

// others are the nodes without some.
func (a *arena) others(without ...*processes.Process) []*processes.Process {
	return slices.DeleteFunc(slices.Clone(a.n.Nodes), func(p *processes.Process) bool { return slices.Contains(without, p) })
}

// kill ends nodes at once, with no time to finish anything.
func (a *arena) kill(nodes ...*processes.Process) {
	a.t.Helper()
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, p := range nodes {
		wg.Go(func() {
			if errs[i] = p.Kill(); errors.Is(errs[i], os.ErrProcessDone) {
				errs[i] = nil // a trap was faster
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		a.t.Fatal(err)
	}
	a.buried(nodes...)
}

// buried looks at what nodes that are gone have signed.
func (a *arena) buried(nodes ...*processes.Process) {
	a.t.Helper()
	for _, p := range nodes {
		a.deaths++
		a.signed.check(a.t, a.ear, p)
	}
}

// ends waits until a node is gone by itself.
func (a *arena) ends(p *processes.Process, why string) {
	a.t.Helper()
	await.Within(a.t, patience, fmt.Sprintf("%s ends: %s", p.Name, why), func() error {
		if p.Runs() {
			return errors.New("it runs")
		}
		return nil
	})
	a.buried(p)
}

func (a *arena) restart(p *processes.Process) {
	a.t.Helper()
	p.Env = nil
	if err := p.Start(); err != nil {
		a.t.Fatal(err)
	}
}

// restartTrapped starts a node that something befalls as it comes by a point
// for the pass-th time.
func (a *arena) restartTrapped(p *processes.Process, at failpoint.Point, pass int, action failpoint.Action) {
	a.t.Helper()
	a.t.Logf("  %s: %s at %q, pass %d", p.Name, action, at, pass)
	p.Env = []string{fmt.Sprintf("%s=%s:%d:%s", failpoint.Variable, at, pass, action)}
	if err := p.Start(); err != nil {
		a.t.Fatal(err)
	}
}

func (a *arena) signal(s syscall.Signal, nodes ...*processes.Process) {
	a.t.Helper()
	for _, p := range nodes {
		if err := p.Signal(s); err != nil {
			a.t.Fatal(err)
		}
	}
}

// whole starts who is gone, and waits until all nodes are ready, vote, and are
// linked with all others.
func (a *arena) whole() {
	a.t.Helper()
	for _, p := range a.n.Nodes {
		if !p.Runs() {
			a.restart(p)
		}
	}
	for _, p := range a.n.Nodes {
		err := a.awaitStatus(p, func(s message.Status) error {
			switch {
			case !s.Voting:
				return errors.New("it does not vote")
			case s.OnlineStake < s.TotalStake:
				return fmt.Errorf("it is linked with %d peers", s.Peers)
			}
			return nil
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
}

// awaitStatus waits until a node is ready and its status is right. While it catches
// up, which takes as long as the chain is, it only must not stand still.
func (a *arena) awaitStatus(p *processes.Process, right func(message.Status) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stands := time.AfterFunc(patience, cancel)
	defer stands.Stop()
	var height uint64
	return p.Await(ctx, func(s message.Status) error {
		if s.Ready {
			return right(s)
		}
		if s.Height > height {
			height = s.Height
			stands.Reset(patience)
		}
		return errors.New(s.NotReady)
	})
}

// grow waits until each of these nodes has committed a stretch of blocks.
func (a *arena) grow(nodes ...*processes.Process) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var begin uint64
	err := nodes[0].Await(ctx, func(s message.Status) error { begin = s.Height; return nil })
	for _, p := range nodes {
		if err == nil {
			err = p.Await(ctx, func(s message.Status) error {
				if s.Height < begin+stretch {
					return fmt.Errorf("it is at height %d, and was to go from %d to %d", s.Height, begin, begin+stretch)
				}
				return nil
			})
		}
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// report tells where each node is, for who looks for the reason of a failure.
func (a *arena) report() {
	for _, p := range a.n.Nodes {
		if !p.Runs() {
			a.t.Logf("%s does not run: %s", p.Name, p.LastWords())
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // it may stand still
		defer cancel()
		s, err := p.Status(ctx)
		a.t.Logf("%s: height %d, round %d, %s, %d peers, %d records wait, voting %v, ready %v %s (%v): %s",
			p.Name, s.Height, s.Round, s.Step, s.Peers, s.PoolSize, s.Voting, s.Ready, s.NotReady, err, p.LastWords())
	}
}

func status(p *processes.Process) (message.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.Status(ctx)
}
