// Package peers_test changes the peers in the config files of nodes that run, as
// a person or an operator does.
package peers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

// network is four nodes that run, and whoever the test adds.
type network struct {
	*processes.Network
	t *testing.T
}

func start(t *testing.T) *network {
	t.Helper()
	d, err := design.Sample("quickstart")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Builder.When = "idle >= duration('50ms')"
	d.Spec.Builder.Interval.Duration = 50 * time.Millisecond
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	ctx, cancel := context.WithTimeout(context.Background(), 2*await.Patience)
	defer cancel()
	dir := t.TempDir()
	binary, err := processes.Build(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := processes.Write(d, binary, dir, 2)
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
	return &network{n, t}
}

// join starts the node of somebody whom nobody knows yet. The name of its folder
// is not that of the validator, who may come again with another key.
func (n *network) join(name, folder string) (*processes.Process, config.Peer) {
	n.t.Helper()
	site, keys := n.Ports.Next(n.Design), design.NewKeys()
	c := *n.Nodes[0].Config
	c.Name, c.Key, c.Listen, c.Peers = folder, keys.Sign.Public(), site.Listen, nil
	for _, p := range n.Nodes {
		c.Peers = append(c.Peers, config.Peer{Name: p.Name, Key: n.Design.Keys[p.Name].Sign.Public(), Address: p.Config.Listen.P2P})
	}
	p, err := n.Add(&c, keys)
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			n.t.Error(err)
		}
	})
	n.Design.Keys[name] = keys
	return p, config.Peer{Name: name, Key: keys.Sign.Public(), Address: site.Dial}
}

// rewrite changes the config file of a node, at once or not at all.
func (n *network) rewrite(p *processes.Process, content []byte) {
	n.t.Helper()
	fresh := filepath.Join(p.Dir, "fresh.json")
	if err := errors.Join(os.WriteFile(fresh, content, 0o600), os.Rename(fresh, p.ConfigFile)); err != nil {
		n.t.Fatal(err)
	}
}

// list gives the first four nodes these peers beside each other.
func (n *network) list(more ...config.Peer) {
	n.t.Helper()
	for _, p := range n.Nodes {
		c := *p.Config
		c.Peers = append(slices.Clone(c.Peers), more...)
		n.rewrite(p, c.Encode())
	}
}

// await waits until the status of each node is right.
func (n *network) await(what string, right func(message.Status) error, nodes ...*processes.Process) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	for _, p := range nodes {
		if err := p.Await(ctx, right); err != nil {
			n.t.Fatalf("%s: %v", what, err)
		}
	}
}

func linkedWith(peers int) func(message.Status) error {
	return func(s message.Status) error {
		if s.Peers != peers {
			return fmt.Errorf("it is linked with %d peers, want %d", s.Peers, peers)
		}
		return nil
	}
}

// setStake has the chain count a stake, and waits until it does.
func (n *network) setStake(peer config.Peer, stake uint64) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c, err := n.Nodes[0].Dial(ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	defer c.Close()
	account := client.NewAccount(n.Design.Authority, n.Genesis.Network(), 0)
	if err := account.Sync(ctx, c); err != nil {
		n.t.Fatal(err)
	}
	r := account.Sign(&types.Record{
		Type: types.StakeChange, Name: peer.Name, Validator: peer.Key, VRFKey: n.Design.Keys[peer.Name].VRF.Public(), Stake: stake,
	})
	if err := c.Merge(ctx, r); err != nil {
		n.t.Fatal(err)
	}
	await.True(n.t, fmt.Sprintf("a stake of %d for %s counts", stake, peer.Name), func() error {
		v, err := c.Validators(ctx, 0)
		if err != nil {
			return err
		}
		for _, one := range v.Validators {
			if one.Key == peer.Key && one.EffectiveStake == stake {
				return nil
			}
		}
		if stake == 0 && !slices.ContainsFunc(v.Validators, func(one message.Validator) bool { return one.Key == peer.Key }) {
			return nil
		}
		return errors.New("not yet")
	})
}

// said counts the lines of a node's log that have all these words.
func said(t *testing.T, p *processes.Process, words ...string) (count int) {
	t.Helper()
	log, err := os.ReadFile(p.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			count++
		}
	}
	return count
}

// A fifth validator joins a network whose nodes run on: they refuse it until
// their config files name it, and follow each change of them.
func TestPeersChangeWhileNodesRun(t *testing.T) {
	n := start(t)
	first := n.Nodes[0]
	pid := first.Pid()
	erin, listed := n.join("erin", "erin")
	await.True(t, "a stranger is refused", func() error {
		if said(t, first, "is neither a validator of this network nor a peer in the config here") == 0 {
			return errors.New("the log does not say so")
		}
		return nil
	})
	n.list(listed)
	n.await("erin is linked with everybody", linkedWith(4), append(slices.Clone(n.Nodes), erin)...)
	n.setStake(listed, 100) // half of all: no block without erin
	var height uint64
	n.await("the chain goes on with erin", func(s message.Status) error {
		if height == 0 {
			height = s.Height + 20
		}
		if s.Height < height || !s.Voting || s.Validators != 5 {
			return fmt.Errorf("height %d of %d, voting %v, %d validators", s.Height, height, s.Voting, s.Validators)
		}
		return nil
	}, erin)

	// Who is a validator is linked with, whatever the files say.
	n.list()
	for _, p := range n.Nodes {
		await.True(t, "the change is taken on", func() error {
			if said(t, p, "the list of peers has changed", listed.Key.Short(), `"listed":false`) == 0 {
				return errors.New("the log does not say so")
			}
			return nil
		})
	}
	n.await("a validator is let go", linkedWith(4), append(slices.Clone(n.Nodes), erin)...)
	n.setStake(listed, 0)
	n.await("one that is neither is not", linkedWith(3), n.Nodes...)

	// The same name with another key.
	if err := erin.Stop(); err != nil {
		t.Fatal(err)
	}
	again, relisted := n.join("erin", "erin-again")
	n.list(relisted)
	n.await("erin with a new key is linked", linkedWith(4), append(slices.Clone(n.Nodes), again)...)

	if first.Pid() != pid || !first.Runs() {
		t.Error("a node was restarted")
	}
	n.brokenFiles(first)
}

// brokenFiles gives a node files that are wrong, or say what needs a restart.
func (n *network) brokenFiles(p *processes.Process) {
	t := n.t
	for _, c := range []struct {
		change func(*config.Config) []byte
		words  []string
	}{
		{func(c *config.Config) []byte { return c.Encode()[:200] }, []string{`"level":"ERROR"`, "the JSON object ends early"}},
		{func(c *config.Config) []byte {
			c.Peers[0].Key = n.Design.Keys[p.Name].Sign.Public()
			return c.Encode()
		}, []string{`"level":"ERROR"`, "its key is this node's own"}},
		{func(c *config.Config) []byte {
			c.Peers = nil
			c.Builder.When, c.LogLevel = "pool.size >= 7", "debug"
			return c.Encode()
		}, []string{`"level":"WARN"`, "the node must be restarted", "builder, logLevel"}},
	} {
		own := *p.Config
		own.Peers = slices.Clone(own.Peers)
		n.rewrite(p, c.change(&own))
		await.True(t, fmt.Sprint("the log says ", c.words), func() error {
			if said(t, p, c.words...) == 0 {
				return errors.New("not yet")
			}
			return nil
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	s, err := p.Status(ctx)
	if err != nil || s.Rule == "pool.size >= 7" || s.Peers < 3 {
		t.Errorf("after files that were wrong: %+v (%v)", s, err)
	}
	for _, words := range []string{"the JSON object ends early", "its key is this node's own", "the node must be restarted"} {
		if count := said(t, p, words); count != 1 {
			t.Errorf("the log says %d times %q", count, words)
		}
	}
}
