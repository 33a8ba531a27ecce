package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/design"
)

// pollInterval is how often nodes are asked whether they are ready.
const pollInterval = 20 * time.Millisecond

// Network is the processes of one chain.
type Network struct {
	Design      *design.Design
	Genesis     *genesis.Genesis
	GenesisFile string
	Nodes       []*Process // in the manifest's order
	Ports       *design.Ports
	dir         string
	binary      string
}

// Build compiles the node's program into dir, with build tags if any are given,
// and returns where it is.
func Build(ctx context.Context, dir string, tags ...string) (string, error) {
	path := filepath.Join(dir, "node")
	c := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(tags, ","), "-o", path, "github.com/posnet/posnet/cmd/node")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the node's program cannot be built: %w: %s", err, out)
	}
	return path, nil
}

// Write puts the files of a new chain into dir, with ports for as many further
// nodes as may come later. Nothing runs yet.
func Write(d *design.Design, binary, dir string, later int) (*Network, error) {
	ports, err := d.TakePorts(later)
	if err != nil {
		return nil, err
	}
	n := &Network{Design: d, GenesisFile: filepath.Join(dir, "genesis.json"), Ports: ports, dir: dir, binary: binary}
	if err := n.write(); err != nil {
		ports.Block.Release()
		return nil, err
	}
	return n, nil
}

func (n *Network) write() error {
	t, err := n.Design.Topology(n.Ports.Sites(n.Design))
	if err != nil {
		return err
	}
	n.Genesis = t.Genesis
	if err := os.WriteFile(n.GenesisFile, t.Genesis.Encode(), 0o600); err != nil {
		return err
	}
	for _, planned := range t.Nodes {
		p, err := n.Add(planned.Config, n.Design.Keys[planned.Name])
		if err != nil {
			return err
		}
		n.Nodes = append(n.Nodes, p)
	}
	return nil
}

// Add writes the files of one more node, which the network's own list does not
// have.
func (n *Network) Add(c *config.Config, keys config.Keys) (*Process, error) {
	p := &Process{
		Name: c.Name, Dir: filepath.Join(n.dir, c.Name), Config: c, Binary: n.binary, Genesis: n.GenesisFile,
	}
	p.ConfigFile, p.Keys = filepath.Join(p.Dir, "config.json"), filepath.Join(p.Dir, "keys.json")
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.ConfigFile, c.Encode(), 0o600); err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.Keys, keys.Encode(), 0o600)
}

// Start starts all nodes and waits until each is ready, votes, and is linked
// with all others.
func (n *Network) Start(ctx context.Context) error {
	for _, p := range n.Nodes {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return n.AwaitLinked(ctx)
}

// AwaitLinked waits until every node is ready, votes, and is linked with all
// others.
func (n *Network) AwaitLinked(ctx context.Context) error {
	for _, p := range n.Nodes {
		err := p.Await(ctx, func(s message.Status) error {
			switch {
			case !s.Ready:
				return errors.New(s.NotReady)
			case !s.Voting:
				return errors.New("it does not vote")
			case s.Peers < len(n.Nodes)-1:
				return fmt.Errorf("it is linked with %d peers", s.Peers)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Await asks a node for its status until it is right; ctx bounds the waiting.
func (p *Process) Await(ctx context.Context, right func(message.Status) error) error {
	for {
		s, err := p.Status(ctx)
		if err == nil {
			if err = right(s); err == nil {
				return nil
			}
		}
		if died := p.Died(); died != nil {
			return died
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s: %w at the end (%w)", p.Name, err, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// Status asks a node for its status.
func (p *Process) Status(ctx context.Context) (message.Status, error) {
	c, err := p.Dial(ctx)
	if err != nil {
		return message.Status{}, err
	}
	defer c.Close()
	return c.Status(ctx)
}

// Dial connects to a node's client API.
func (p *Process) Dial(ctx context.Context) (*client.Client, error) {
	return client.Dial(ctx, p.Config.Listen.API, client.Options{})
}

// Stop ends all nodes, and says which did not end well.
func (n *Network) Stop() error {
	defer n.Ports.Block.Release()
	errs := make([]error, len(n.Nodes))
	var wg sync.WaitGroup
	for i, p := range n.Nodes {
		wg.Go(func() { errs[i] = p.Stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
