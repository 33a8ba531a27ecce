// Package node assembles one whole node: data folder, engine, links, client
// API, console and metrics. cmd/node runs one of them, the laptop runner as many
// as a manifest has validators.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/console"
	"github.com/posnet/posnet/node/engine"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/storage"
)

// Options is what a node starts from. Genesis, Config and Keys are needed.
type Options struct {
	Genesis *genesis.Genesis
	Config  *config.Config
	Keys    config.Keys
	Logger  *slog.Logger // nil: nothing is logged
	Version string       // of the program, as /version tells it
	// ConfigFile is where Config comes from: changes of its peers are taken on
	// while the node runs. nil: they are as in Config until SetPeers.
	ConfigFile *config.File
}

// Addresses is where a node listens, as host:port; empty where it does not.
type Addresses struct {
	API, P2P, Console, Metrics string
}

// Node is a running node.
type Node struct {
	engine    *engine.Engine
	mesh      *p2p.Mesh
	log       *slog.Logger
	addresses Addresses
	closers   []func() error // in the order of starting
	done      chan struct{}
	closing   chan struct{}
	once      sync.Once
	closed    error // what Close returns
}

// Start starts a node. It returns once all listeners are bound and the engine
// runs; ctx bounds the starting only. Its error names what is wrong: the file
// or field, the port in use, the data folder of somebody else.
func Start(ctx context.Context, o Options) (*Node, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := check(o); err != nil {
		return nil, err
	}
	n := &Node{log: o.Logger, done: make(chan struct{}), closing: make(chan struct{})}
	if err := n.start(ctx, o); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	go n.watch()
	return n, nil
}

// check finds what no single file shows.
func check(o Options) error {
	if err := o.Genesis.Check(); err != nil {
		return err
	}
	if err := o.Config.Check(); err != nil {
		return err
	}
	key := o.Keys.Sign.Public()
	if !o.Config.Key.IsZero() && o.Config.Key != key {
		return fmt.Errorf("keys: they are not those that the config file names for validator %s: use its key file", o.Config.Name)
	}
	for _, v := range o.Genesis.Validators {
		same := v.Key == key && v.VRFKey == o.Keys.VRF.Public()
		meant := v.Key == key || v.Name == o.Config.Name && o.Config.Key.IsZero()
		if meant && !same {
			return fmt.Errorf("keys: they are not those that the genesis file names for validator %s: use its key file", v.Name)
		}
	}
	return nil
}

func (n *Node) start(ctx context.Context, o Options) error {
	data, err := openData(o)
	if err != nil {
		return err
	}
	n.opened(data.Close)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	links := &lateLinks{}
	n.engine, err = engine.New(engine.Options{
		Genesis: o.Genesis, Config: o.Config, Keys: o.Keys, Data: data, Links: links,
		Logger: o.Logger, Registry: registry, Version: o.Version,
	})
	if err != nil {
		return err
	}
	mesh, err := p2p.New(p2p.Config{
		Key: o.Keys.Sign, Network: o.Genesis.Network(), Name: o.Config.Name, Listen: o.Config.Listen.P2P,
		Peers: peers(o.Config.Peers), Allowed: n.engine.Allowed, Handler: n.engine, Logger: o.Logger, Metrics: registry,
	})
	if err != nil {
		return err
	}
	links.Mesh, n.mesh = mesh, mesh
	n.addresses.P2P = mesh.Addr().String()
	n.opened(func() error { mesh.Close(); return nil })
	ports, err := bindAll(ctx, o.Config.Listen)
	if err != nil {
		return err
	}
	n.engine.Run()
	n.opened(func() error { n.engine.Close(); return nil })
	mesh.Start()
	n.serve(o, ports, registry)
	if o.ConfigFile != nil {
		n.follow(o.ConfigFile)
	}
	return nil
}

// serve opens the node to people and programs.
func (n *Node) serve(o Options, ports ports, registry *prometheus.Registry) {
	n.addresses.API = ports.api.Addr().String()
	api := rpc.New(n.engine, rpc.Options{Logger: o.Logger, Version: o.Version, Registerer: registry})
	n.run(o.Logger, "API", ports.api, api.Serve)
	if ports.metrics != nil {
		n.addresses.Metrics = ports.metrics.Addr().String()
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
		server := &http.Server{
			Handler: mux, ReadHeaderTimeout: metricsPatience, ReadTimeout: metricsPatience, WriteTimeout: metricsPatience,
			MaxHeaderBytes: maxScrapeHeader, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		}
		n.run(o.Logger, "metrics", ports.metrics, func(ctx context.Context, l net.Listener) error {
			defer context.AfterFunc(ctx, func() { server.Close() })()
			return server.Serve(netutil.LimitListener(l, maxScrapers))
		})
	}
	if ports.console != nil {
		n.addresses.Console = ports.console.Addr().String()
		c := console.New(n.engine, console.Options{Logger: o.Logger})
		n.run(o.Logger, "console", ports.console, c.Serve)
	}
}

// Limits of the metrics' port.
const (
	// metricsPatience is how long a scrape may take: Prometheus gives up after
	// ten seconds too.
	metricsPatience = 10 * time.Second
	// maxScrapers is how many connections there may be at a time; a network has
	// a few Prometheus servers, each with one.
	maxScrapers = 256
	// maxScrapeHeader holds what a scraper says of itself many times over.
	maxScrapeHeader = 16 << 10
)

// run serves a port until the node stops.
func (n *Node) run(log *slog.Logger, what string, l net.Listener, serve func(context.Context, net.Listener) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := serve(ctx, l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
			log.Error("a port is no longer served", "port", what, "error", err)
		}
	}()
	n.opened(func() error {
		cancel()
		<-ended
		return nil
	})
}

// ports is the listeners for people and programs; nil where there is none.
type ports struct{ api, console, metrics net.Listener }

// bindAll opens all of them or none.
func bindAll(ctx context.Context, at config.Listen) (p ports, err error) {
	defer func() {
		if err != nil {
			for _, l := range []net.Listener{p.api, p.console, p.metrics} {
				if l != nil {
					l.Close()
				}
			}
		}
	}()
	if p.api, err = bind(ctx, "API", "listen.api", at.API); err != nil {
		return p, err
	}
	if p.console, err = bind(ctx, "console", "listen.console", at.Console); err != nil {
		return p, err
	}
	p.metrics, err = bind(ctx, "metrics", "listen.metrics", at.Metrics)
	return p, err
}

// bind opens a port; of the empty address, none.
func bind(ctx context.Context, what, field, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the %s cannot listen on %s: another program uses that port; stop it, or choose another port (%s)", what, address, field)
	case err != nil:
		return nil, fmt.Errorf("the %s cannot listen on %s (%s): %w", what, address, field, err)
	}
	return l, nil
}

func openData(o Options) (*storage.Data, error) {
	if o.Config.DataDir == "" {
		return storage.NewMemory(), nil
	}
	id := storage.Identity{Network: o.Genesis.Network(), Validator: o.Keys.Sign.Public(), Name: o.Config.Name}
	return storage.Open(o.Config.DataDir, id, o.Logger)
}

func peers(list []config.Peer) []p2p.Peer {
	out := make([]p2p.Peer, len(list))
	for i, p := range list {
		out[i] = p2p.Peer(p)
	}
	return out
}

func (n *Node) opened(stop func() error) { n.closers = append(n.closers, stop) }

// stop ends what was started, the newest first.
func (n *Node) stop() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}

// watch closes Done when the engine stops by itself.
func (n *Node) watch() {
	select {
	case <-n.engine.Dead():
		close(n.done)
	case <-n.closing:
	}
}

// Addresses returns where the node listens, with the ports that were chosen
// for port 0.
func (n *Node) Addresses() Addresses { return n.addresses }

// Backend gives access to the node within the process: what the client API
// answers from.
func (n *Node) Backend() *engine.Engine { return n.engine }

// Done is closed when the node stopped by itself; Err says why. Close must be
// called nevertheless.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err returns what stopped the node, or nil.
func (n *Node) Err() error { return n.engine.Err() }

// Close stops the node. What was committed or signed is on disk. It may be
// called more than once.
func (n *Node) Close() error {
	n.once.Do(func() {
		close(n.closing)
		n.closed = n.stop()
	})
	return n.closed
}

// lateLinks stands in for the mesh while engine and mesh, which need each other,
// are made. Nothing is sent before both are there.
type lateLinks struct{ *p2p.Mesh }
