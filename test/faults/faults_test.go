// Package faults_test kills nodes that are processes of their own, under load,
// and checks that a chain loses nothing by it.
package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

// stretch is how many blocks the chain makes between two blows.
const stretch = 40

// start starts four nodes of equal stake, any one of which may fail, and the
// accounts that load them.
func start(t *testing.T) (*processes.Network, []types.PrivateKey) {
	t.Helper()
	d, err := design.Sample("bench")
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]types.PrivateKey, senders)
	for i := range keys {
		keys[i] = types.GenerateKey()
		d.Spec.Ledger.Accounts = append(d.Spec.Ledger.Accounts, v1alpha1.AccountBalance{Account: keys[i].Public().String(), Balance: funds})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*await.Patience)
	defer cancel()
	dir := t.TempDir()
	binary, err := processes.Build(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := processes.Write(d, binary, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return n, keys
}

func TestNodesAreKilledUnderLoad(t *testing.T) {
	n, keys := start(t)
	l := startLoad(t, n, keys)
	var witnesses []*witness
	for _, p := range n.Nodes {
		witnesses = append(witnesses, watch(t, p))
	}
	grow(t, n.Nodes...)
	for i, victim := range n.Nodes {
		t.Logf("%s is killed, and started again", victim.Name)
		kill(t, victim)
		grow(t, others(n, i)...)
		comeBack(t, n, i)
		witnesses = append(witnesses, watch(t, victim))
	}
	for range 3 {
		t.Log("all are killed at once, and started again")
		kill(t, n.Nodes...)
		for _, p := range n.Nodes {
			restart(t, p)
		}
		awaitLinked(t, n)
		for _, p := range n.Nodes {
			witnesses = append(witnesses, watch(t, p))
		}
		grow(t, n.Nodes...)
	}
	for i, loss := range []struct {
		what, says string
		lose       func(t *testing.T, p *processes.Process)
	}{
		{"its disk", "the watch is over: this validator votes from now on", func(t *testing.T, p *processes.Process) {
			if err := os.RemoveAll(p.Data()); err != nil {
				t.Fatal(err)
			}
		}},
		{"its newest blocks", "the data folder has lost its newest blocks: they are fetched from the other nodes", loseNewest},
	} {
		victim := n.Nodes[i]
		t.Logf("%s is killed, loses %s, and is started again", victim.Name, loss.what)
		kill(t, victim)
		loss.lose(t, victim)
		grow(t, others(n, i)...)
		comeBack(t, n, i)
		if log, err := os.ReadFile(victim.LogFile()); err != nil || !strings.Contains(string(log), loss.says) {
			t.Errorf("the log of %s does not say %q (%v)", victim.Name, loss.says, err)
		}
	}

	l.stop()
	l.settle(t, n.Nodes[0])
	verify(t, n, l, witnesses)
}

// others are the nodes without the i-th.
func others(n *processes.Network, i int) []*processes.Process {
	return slices.Delete(slices.Clone(n.Nodes), i, i+1)
}

// loseNewest cuts the log of the newest writes to the chain in half.
func loseNewest(t *testing.T, p *processes.Process) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(p.Data(), "chain", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("%s has no log of writes: %v", p.Name, err)
	}
	newest := slices.Max(logs) // their names are numbers of one length
	info, err := os.Stat(newest)
	if err == nil {
		err = os.Truncate(newest, info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kill ends nodes at once, with no time to finish anything.
func kill(t *testing.T, nodes ...*processes.Process) {
	t.Helper()
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, p := range nodes {
		wg.Go(func() { errs[i] = p.Kill() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func restart(t *testing.T, p *processes.Process) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

func awaitLinked(t *testing.T, n *processes.Network) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	if err := n.AwaitLinked(ctx); err != nil {
		t.Fatal(err)
	}
}

// grow waits until each of these nodes has committed a stretch of blocks.
func grow(t *testing.T, nodes ...*processes.Process) {
	t.Helper()
	begin, err := status(nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range nodes {
		ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
		defer cancel()
		err := p.Await(ctx, func(s message.Status) error {
			if s.Height < begin.Height+stretch {
				return fmt.Errorf("it is at height %d, and was to go from %d to %d", s.Height, begin.Height, begin.Height+stretch)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// comeBack starts a killed node, the i-th, and waits until it has caught up with the chain
// that goes on meanwhile, votes, and wins a block.
func comeBack(t *testing.T, n *processes.Network, i int) {
	t.Helper()
	p := n.Nodes[i]
	restart(t, p)
	awaitLinked(t, n)
	back, err := status(p)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, others(n, i)[0])
	next := int64(back.Height)
	await.True(t, p.Name+" wins a block again", func() error {
		page, err := c.Blocks(context.Background(), client.BlocksArgs{Start: next})
		if err != nil {
			return err
		}
		next = int64(page.Next)
		for _, b := range page.Blocks {
			if b.Name == p.Name {
				return nil
			}
		}
		return fmt.Errorf("not up to block %d", next)
	})
}
