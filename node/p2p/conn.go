package p2p

import (
	"errors"
	"net"
	"sync"
	"time"
)

// conn is a connection under a link. TCP_NODELAY is on, as Go sets it.
type conn struct {
	net.Conn
	// silence is how long each read may wait, once it is set. It counts from
	// when the read begins, so that a Handler that takes its time is not taken
	// for a silent peer.
	silence time.Duration
	// opening is how many bytes more may come to open a websocket, where it is
	// counted: who answers could send headers without end, and all would be kept.
	opening *int

	release func() // gives back the place among those not proved yet
	once    sync.Once
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.opening != nil {
		if *c.opening <= 0 {
			return 0, errors.New("what answers there is no validator's p2p port: it says too much to begin with")
		}
		n, err := c.Conn.Read(p[:min(len(p), *c.opening)])
		*c.opening -= n
		return n, err
	}
	if c.silence > 0 {
		if err := c.Conn.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.settle()
	return c.Conn.Close()
}

// settle ends the connection's time as one that is not proved yet.
func (c *conn) settle() {
	if c.release != nil {
		c.once.Do(c.release)
	}
}

// gate is a listener that turns away connections, before a byte is read, while
// too many wait to prove themselves.
type gate struct {
	net.Listener
	turned func(remote net.Addr) // told of each connection turned away

	mu      sync.Mutex
	total   int
	perHost map[string]int
}

func newGate(l net.Listener, turned func(net.Addr)) *gate {
	return &gate{Listener: l, turned: turned, perHost: map[string]int{}}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := hostOf(c.RemoteAddr())
		if g.enter(host) {
			return &conn{Conn: c, release: func() { g.leave(host) }}, nil
		}
		g.turned(c.RemoteAddr())
		c.Close()
	}
}

func (g *gate) enter(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= maxPending || g.perHost[host] >= maxPendingPerHost {
		return false
	}
	g.total++
	g.perHost[host]++
	return true
}

func (g *gate) leave(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.perHost[host]--; g.perHost[host] == 0 {
		delete(g.perHost, host)
	}
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}
