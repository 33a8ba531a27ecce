// Package local runs a network's manifest on one machine, without a cluster:
// every validator in one process, each with its own data folder and ports, and
// talking to each other over real sockets. What a laptop and a cluster have in
// common, the planner and the judgment of a network's health, is theirs both.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
	"github.com/posnet/posnet/node"
	"github.com/posnet/posnet/node/types"
)

// Options say what to run and where.
type Options struct {
	Manifest *v1alpha1.PosNetwork // with its defaults filled in
	Source   string               // what errors call the manifest
	Dir      string               // the state is in Dir/NAME
	Reset    bool                 // delete what is there first
	Ports    Ports
	LogLevel slog.Level
	Version  string             // of the program
	Warn     func(logs.Warning) // told of warnings in the nodes' logs; must not block
}

// Network is a network that runs.
type Network struct {
	*prepared
	options Options

	mu       sync.Mutex
	members  []*member // in the manifest's order, those departing last
	changing string

	dead   chan struct{} // closed when the last node has stopped by itself
	cancel context.CancelFunc
	stop   func() error // once
	wg     sync.WaitGroup
}

// member is one validator whose node runs, or ran until it failed.
type member struct {
	about watch.Node
	key   types.PublicKey
	node  running
	log   io.Closer
	err   error // why it stopped by itself
}

// running is what a network asks of a node that runs: *node.Node.
type running interface {
	Done() <-chan struct{}
	Err() error
	Close() error
}

// Start starts every node of the manifest, which must not hibernate, and sees
// to it in the background that the chain comes to count the stakes the manifest gives. ctx bounds the
// starting.
func Start(ctx context.Context, o Options) (*Network, error) {
	p, err := prepare(o)
	if err != nil {
		return nil, err
	}
	background, cancel := context.WithCancel(context.Background())
	n := &Network{prepared: p, options: o, dead: make(chan struct{}), cancel: cancel}
	n.stop = sync.OnceValue(n.stopAll)
	for i := range p.topology.Nodes {
		if err := n.startNode(ctx, i); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	for _, m := range n.members {
		n.wg.Go(func() { n.guard(background, m) })
	}
	n.wg.Go(func() { n.settle(background) })
	return n, nil
}

func (n *Network) startNode(ctx context.Context, i int) error {
	planned := n.topology.Nodes[i]
	log, err := logs.OpenFile(n.folder.LogPath(planned.Name), logs.MaxFileBytes)
	if err != nil {
		return err
	}
	config := *planned.Config
	config.DataDir = n.folder.DataPath(planned.Name)
	started, err := node.Start(ctx, node.Options{
		Genesis: n.genesis, Config: &config, Keys: n.keys[planned.Name], Version: n.options.Version,
		Logger: logs.New(log, n.options.LogLevel, planned.Name, n.options.Warn),
	})
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		err = fmt.Errorf("%w: so many validators need more than this machine allows; raise the limit (ulimit -n), or run fewer", err)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("validator %s: %w", planned.Name, err), log.Close())
	}
	a := started.Addresses()
	n.members = append(n.members, &member{
		about: watch.Node{Name: planned.Name, Stake: planned.Stake, API: reachable(a.API), Console: reachable(a.Console), Metrics: a.Metrics},
		key:   n.keys[planned.Name].Sign.Public(), node: started, log: log,
	})
	return nil
}

// guard notes when a node stops by itself. The others go on, as they would if
// it were another machine.
func (n *Network) guard(ctx context.Context, m *member) {
	select {
	case <-ctx.Done():
		return
	case <-m.node.Done():
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.err = m.node.Err(); m.err == nil {
		return // it was stopped, having left the chain
	}
	n.options.Warn(logs.Warning{Node: m.about.Name, Error: true, Text: "the node has stopped: " + m.err.Error()})
	for _, other := range n.members {
		if other.err == nil {
			return
		}
	}
	close(n.dead)
}

// Dead is closed when every node has stopped by itself.
func (n *Network) Dead() <-chan struct{} { return n.dead }

// Err says why the nodes stopped that did so by themselves.
func (n *Network) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []error
	for _, m := range n.members {
		if m.err != nil {
			all = append(all, fmt.Errorf("validator %s: %w", m.about.Name, m.err))
		}
	}
	return errors.Join(all...)
}

// Folder is the absolute path of the network's state.
func (n *Network) Folder() string { return n.folder.Path() }

// Account is one that may be given tokens: the first validator's own.
func (n *Network) Account() types.Account {
	return types.KeyedAccount(n.keys[n.topology.Nodes[0].Name].Sign.Public())
}

// Watched is what there is to follow now.
func (n *Network) Watched() watch.Network {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := watch.Network{
		Generation: n.options.Manifest.Generation, Paused: n.options.Manifest.Spec.Paused, Changing: n.changing,
		Patience: health.Patience(n.options.Manifest.Spec.Consensus),
	}
	for _, m := range n.members {
		w.Nodes = append(w.Nodes, m.about)
	}
	return w
}

// Close stops every node; all that was committed is on disk. It returns what
// went wrong with that.
func (n *Network) Close() error { return n.stop() }

func (n *Network) stopAll() error {
	n.cancel()
	n.wg.Wait()
	errs := make([]error, len(n.members))
	var wg sync.WaitGroup
	for i, m := range n.members {
		wg.Go(func() { errs[i] = m.close() })
	}
	wg.Wait()
	return errors.Join(append(errs, n.folder.Close())...)
}

func (m *member) close() error {
	if err := errors.Join(m.node.Close(), m.log.Close()); err != nil {
		return fmt.Errorf("validator %s: %w", m.about.Name, err)
	}
	return nil
}
