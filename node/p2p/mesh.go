package p2p

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/types"
)

// Mesh is a node's links to all its peers. Its methods may be called from many
// goroutines at a time.
type Mesh struct {
	config   Config // with defaults filled in
	timing   timing
	self     types.PublicKey
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	buffers  sync.Pool // write buffers: idle links hold none
	repeats  repeats
	metrics  [len(linkKinds) + 1]*linkMetrics // by LinkKind
	refusals prometheus.Counter

	ctx    context.Context // ends when the mesh closes
	cancel context.CancelFunc
	wg     sync.WaitGroup // all goroutines but those of the HTTP server
	once   sync.Once      // Close

	setting sync.Mutex // held by SetPeers: one at a time

	mu      sync.RWMutex // guards what follows
	peers   map[types.PublicKey]*peer
	listed  []types.PublicKey // the configured peers, in the order of the config
	started bool
	closed  bool
}

// New makes a mesh and opens its port, so that Addr is known and connections
// wait; Start begins to use them. The error says what is wrong with the config
// or why the port cannot be opened.
func New(c Config) (*Mesh, error) { return newMesh(c, standardTiming) }

func newMesh(c Config, t timing) (*Mesh, error) {
	m := &Mesh{config: c, timing: t, self: c.Key.Public(), log: c.Logger, peers: map[types.PublicKey]*peer{}}
	if err := m.complete(); err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	l := c.Listener
	if l == nil {
		var err error
		if l, err = openPort(c.Listen); err != nil {
			return nil, err
		}
	}
	if err := m.register(); err != nil {
		l.Close()
		return nil, fmt.Errorf("p2p: metrics: %w", err)
	}
	m.listener = newGate(l, m.reportTurned)
	m.server = m.newServer()
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// complete checks the config, fills in its defaults and makes the table of
// peers.
func (m *Mesh) complete() error {
	c := &m.config
	switch {
	case m.self.IsZero():
		return fmt.Errorf("the key is missing")
	case len(c.Name) > types.MaxNameBytes || !printable(c.Name):
		return fmt.Errorf("the name %q must be printable text of at most %d bytes", c.Name, types.MaxNameBytes)
	case c.Handler == nil:
		return fmt.Errorf("the handler is missing")
	}
	if c.Logger == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		var d net.Dialer
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", address)
		}
	}
	if c.Allowed == nil {
		c.Allowed = func(types.PublicKey) bool { return false }
	}
	if err := m.checkPeers(c.Peers); err != nil {
		return err
	}
	m.configure(c.Peers)
	return nil
}

// Start begins to accept and to dial. The Handler may be called from now on,
// even before Start returns. It is called once.
func (m *Mesh) Start() {
	m.spawn(m.listen)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = true
	m.startDialing()
}

// spawn runs f in a goroutine that Close waits for, unless the mesh is closed.
func (m *Mesh) spawn(f func()) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return false
	}
	m.wg.Go(f)
	return true
}

// Addr returns where the mesh listens.
func (m *Mesh) Addr() net.Addr { return m.listener.Addr() }

// Close ends all links, telling the peers so, and waits until every goroutine
// of the mesh has ended, calls of the Handler included: LinkDown is told of
// each peer that was up, and nothing after Close returned. It may be called
// more than once.
func (m *Mesh) Close() { m.once.Do(m.close) }

func (m *Mesh) close() {
	open := m.shut()
	m.cancel()
	m.listener.Close()
	m.server.Close()
	for _, l := range open {
		m.wg.Go(func() { l.end(errStopping) }) // each may take closeGrace
	}
	m.wg.Wait()
}

// shut lets no new link in and returns those that are open.
func (m *Mesh) shut() (open []*link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, p := range m.peers {
		for _, l := range p.links {
			if l != nil {
				open = append(open, l)
			}
		}
	}
	return open
}
