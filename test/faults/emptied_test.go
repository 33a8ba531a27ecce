package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

// Where all nodes keep the newest blocks only, were all started again and then all
// killed, and half of the stake has lost its disks, nobody has the first blocks and
// nobody can make the next: the chain goes on all the same, and each node with it.
func TestHalfOfDisksLostWherePruned(t *testing.T) {
	n := forgetful(t)
	everyNode(t, n, "the chain is longer than what is kept", func(s message.Status) error {
		if s.Height <= config.MinKeepBlocks+100 {
			return fmt.Errorf("it has %d blocks", s.Height)
		}
		return nil
	})
	for _, p := range n.Nodes { // upon which they keep as little as they may
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	startAll(t, n)
	var head uint64
	everyNode(t, n, "it lets go of the first blocks", func(s message.Status) error {
		head = max(head, s.Height)
		if s.Oldest <= 1 {
			return fmt.Errorf("its oldest block is %d, its newest %d", s.Oldest, s.Height)
		}
		return nil
	})
	for _, p := range n.Nodes {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range n.Nodes[2:] {
		if err := os.RemoveAll(p.Data()); err != nil {
			t.Fatal(err)
		}
	}
	startAll(t, n)
	everyNode(t, n, "it goes on", func(s message.Status) error {
		switch {
		case s.Height < head+50 || !s.Voting:
			return fmt.Errorf("it is at height %d, and was at %d before; it votes: %v", s.Height, head, s.Voting)
		case s.Evidence > 0:
			t.Fatalf("%d votes contradict others", s.Evidence)
		}
		return nil
	})
	for _, p := range n.Nodes {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	checkFolders(t, n)
}

// forgetful starts four nodes of equal stake that keep few blocks and make them all
// the time.
func forgetful(t *testing.T) *processes.Network {
	t.Helper()
	d, err := design.Sample("bench")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Storage.KeepBlocks = config.MinKeepBlocks
	d.Spec.Builder.When = "idle >= duration('1ms')"
	d.Spec.Builder.Interval.Duration = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir := t.ArtifactDir()
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
	startAll(t, n)
	return n
}

func startAll(t *testing.T, n *processes.Network) {
	t.Helper()
	for _, p := range n.Nodes {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// everyNode waits until the status of each node is right.
func everyNode(t *testing.T, n *processes.Network, what string, right func(message.Status) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, p := range n.Nodes {
		if err := p.Await(ctx, right); err != nil {
			t.Fatalf("%s: %v; it says at last: %s", what, err, p.LastWords())
		}
	}
}

// checkFolders checks that nodes that do not run have one chain, and each the state
// that its newest block binds.
func checkFolders(t *testing.T, n *processes.Network) {
	t.Helper()
	kept := make([]*storage.Kept, len(n.Nodes))
	common := ^uint64(0)
	for i, p := range n.Nodes {
		var err error
		if kept[i], err = storage.OpenToRead(p.Data(), nil); err != nil {
			t.Fatal(err)
		}
		defer kept[i].Close()
		common = min(common, kept[i].Head())
	}
	var block []byte
	for i, k := range kept {
		own, _, err := k.Block(common)
		if err != nil || block != nil && !bytes.Equal(own, block) {
			t.Errorf("%s has another block %d (%v)", n.Nodes[i].Name, common, err)
		}
		block = own
		if err := checkState(n, k); err != nil {
			t.Errorf("%s: %v", n.Nodes[i].Name, err)
		}
	}
}

func checkState(n *processes.Network, k *storage.Kept) error {
	state, err := ledger.Load(n.Genesis, k.State)
	if err != nil {
		return err
	}
	raw, _, err := k.Block(k.Head())
	if err != nil {
		return err
	}
	newest, err := types.DecodeBlock(raw)
	if err != nil {
		return err
	}
	if state.Height()+1 != k.Head() || state.Digest() != newest.Header.State {
		return errors.New("its state is not the one that its newest block binds")
	}
	return nil
}
