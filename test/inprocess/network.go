// Package inprocess runs a network within a test's own process: whole nodes,
// with real sockets and data folders, whose logs the test can read.
package inprocess

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
)

// Version is what the nodes say of their program.
const Version = "test"

// Network is a network that runs for the length of a test.
type Network struct {
	Design  *design.Design
	Genesis *genesis.Genesis
	Nodes   []*Node // in the manifest's order
	Ports   *design.Ports
	t       testing.TB
	dir     string
}

// Node is one validator of it.
type Node struct {
	*node.Node
	Name    string
	Config  *config.Config
	Log     *Log
	network *Network
	keys    config.Keys
}

// Start starts a network, with ports for as many further nodes as may come
// later, and waits until all of its nodes are linked. It stops when the test ends.
func Start(t testing.TB, d *design.Design, later int) *Network {
	t.Helper()
	ports, err := d.TakePorts(later)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Block.Release)
	topology, err := d.Topology(ports.Sites(d))
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{Design: d, Genesis: topology.Genesis, Ports: ports, t: t, dir: t.TempDir()}
	t.Cleanup(n.stop)
	for _, planned := range topology.Nodes {
		n.Nodes = append(n.Nodes, n.Add(planned.Config, d.Keys[planned.Name]))
	}
	n.AwaitLinked()
	return n
}

// Add starts one more node, which the network's own list does not have. It
// stops with the test at the latest.
func (n *Network) Add(c *config.Config, keys config.Keys) *Node {
	n.t.Helper()
	own := *c
	own.DataDir = filepath.Join(n.dir, c.Name)
	v := &Node{Name: c.Name, Config: &own, Log: &Log{}, network: n, keys: keys}
	v.Start()
	n.t.Cleanup(func() {
		v.Stop()
		if n.t.Failed() {
			n.t.Logf("the end of the log of %s:\n%s", v.Name, v.Log.tail())
		}
	})
	return v
}

// Start starts the node, again if it ran before.
func (v *Node) Start() {
	v.network.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	var err error
	v.Node, err = node.Start(ctx, node.Options{
		Genesis: v.network.Genesis, Config: v.Config, Keys: v.keys, Version: Version,
		Logger: slog.New(slog.NewJSONHandler(v.Log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", v.Name),
	})
	if err != nil {
		v.network.t.Fatalf("node %s: %v", v.Name, err)
	}
}

// Stop ends the node. What it has on disk stays.
func (v *Node) Stop() {
	v.network.t.Helper()
	if v.Node == nil {
		return
	}
	if err := v.Close(); err != nil {
		v.network.t.Errorf("node %s stops: %v", v.Name, err)
	}
	if err := v.Err(); err != nil {
		v.network.t.Errorf("node %s had stopped by itself: %v", v.Name, err)
	}
}

// stop ends all nodes at a time.
func (n *Network) stop() {
	var wg sync.WaitGroup
	for _, v := range n.Nodes {
		wg.Go(v.Stop)
	}
	wg.Wait()
}

// AwaitLinked waits until every node is ready, votes, and is linked with all
// others.
func (n *Network) AwaitLinked() {
	n.t.Helper()
	for _, v := range n.Nodes {
		await.True(n.t, "node "+v.Name+" is ready, votes, and is linked with all others", func() error {
			s, err := v.Backend().Status(context.Background())
			if err != nil || !s.Ready || !s.Voting || s.Peers < len(n.Nodes)-1 {
				return fmt.Errorf("ready %v (%s), voting %v, %d peers (%w)", s.Ready, s.NotReady, s.Voting, s.Peers, err)
			}
			return nil
		})
	}
}

// Dial connects to the node's client API for the length of the test.
func (v *Node) Dial() *client.Client {
	v.network.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c, err := client.Dial(ctx, v.Addresses().API, client.Options{News: 1 << 16})
	if err != nil {
		v.network.t.Fatalf("node %s: %v", v.Name, err)
	}
	v.network.t.Cleanup(c.Close)
	return c
}
