// Package burst sends many small writes of a connection as one: a websocket
// writes each message by itself, and at thousands of answers a second the
// system calls cost more than all the rest.
package burst

import (
	"net"
	"sync"
)

// maxHeld is how many bytes are held back at most: what one system call moves
// at little more than the cost of an empty one.
const maxHeld = 16 << 10

// Conn is a connection whose writes can be held back for a while. Reads pass.
type Conn struct {
	net.Conn
	mu      sync.Mutex
	holding bool
	held    []byte
}

// New wraps a connection. It holds nothing back until Hold.
func New(c net.Conn) *Conn { return &Conn{Conn: c} }

// Hold makes writes wait for Flush, or until there are too many.
func (c *Conn) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

// Flush sends what was held back and ends the holding. The error may be that
// of an earlier write.
func (c *Conn) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = false
	return c.send()
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holding && len(c.held)+len(b) <= maxHeld {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	if err := c.send(); err != nil {
		return 0, err
	}
	if c.holding && len(b) <= maxHeld {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *Conn) send() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}

// Listener wraps the connections of another listener.
type Listener struct{ net.Listener }

// Accept implements net.Listener.
func (l Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return New(c), nil
}
