package processes

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
)

// Cables are the links between a network's nodes, each through a relay of this
// process, which can cut it.
type Cables struct {
	relays map[[2]string]*relay // by who dials whom
}

// Wire leads the links of a network that does not run yet through relays.
func (n *Network) Wire() (*Cables, error) {
	c := &Cables{relays: map[[2]string]*relay{}}
	for _, p := range n.Nodes {
		wired := *p.Config
		wired.Peers = slices.Clone(wired.Peers)
		for i, peer := range wired.Peers {
			r, err := newRelay(peer.Address)
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
			c.relays[[2]string{p.Name, peer.Name}] = r
			wired.Peers[i].Address = r.listener.Addr().String()
		}
		p.Config = &wired
		if err := os.WriteFile(p.ConfigFile, wired.Encode(), 0o600); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Cut breaks all links between the nodes of two sides: their connections are
// reset and no new one is let through, until Mend.
func (c *Cables) Cut(one, other []*Process) { c.set(severed, one, other) }

// Hush lets nothing through between two sides, and breaks nothing, so that each
// side has to find out by itself; what was said is heard after Mend.
func (c *Cables) Hush(one, other []*Process) { c.set(hushed, one, other) }

// Mend makes all links whole.
func (c *Cables) Mend() {
	for _, r := range c.relays {
		r.set(whole)
	}
}

func (c *Cables) set(s state, one, other []*Process) {
	for _, p := range one {
		for _, q := range other {
			for _, pair := range [][2]string{{p.Name, q.Name}, {q.Name, p.Name}} {
				r := c.relays[pair]
				if r == nil {
					panic(fmt.Sprintf("processes: there is no cable between %s and %s", p.Name, q.Name))
				}
				r.set(s)
			}
		}
	}
}

// Close ends all links for good, and waits until nothing of them is left.
func (c *Cables) Close() error {
	var errs []error
	for _, r := range c.relays {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

// state is how a cable is.
type state int

const (
	whole state = iota
	hushed
	severed
)

// relay takes the connections of one node to another.
type relay struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	state   state
	closed  bool
	changed chan struct{} // closed, and made anew, when the state changes
	conns   map[net.Conn]bool
}

func newRelay(target string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, target: target, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	r.wg.Go(r.serve)
	return r, nil
}

func (r *relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(near) })
	}
}

// carry takes one connection across, if the cable lets it.
func (r *relay) carry(near net.Conn) {
	if !r.add(near) {
		return
	}
	defer r.drop(near)
	if !r.passable() {
		return
	}
	far, err := net.Dial("tcp", r.target)
	if err != nil || !r.add(far) {
		return
	}
	defer r.drop(far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		r.pump(near, far)
	}()
	r.pump(far, near)
	<-back
}

// pump copies until one end is gone, and takes the other with it.
func (r *relay) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !r.passable() {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// passable waits while the cable is hushed, and reports whether it is whole.
func (r *relay) passable() bool {
	for {
		r.mu.Lock()
		now, changed := r.state, r.changed
		r.mu.Unlock()
		if now != hushed {
			return now == whole
		}
		<-changed
	}
}

// add takes note of a connection, and reports whether it may stay.
func (r *relay) add(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.state == severed {
		reset(c)
		return false
	}
	r.conns[c] = true
	return true
}

func (r *relay) drop(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	c.Close()
}

func (r *relay) set(s state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.state = s
	close(r.changed)
	r.changed = make(chan struct{})
	if s == severed {
		for c := range r.conns {
			reset(c)
		}
	}
}

func (r *relay) close() error {
	r.set(severed)
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.listener.Close()
	r.wg.Wait()
	return err
}

// reset ends a connection the hard way: what was sent and not read is lost.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it ends softly, which is well too
	}
	c.Close()
}
