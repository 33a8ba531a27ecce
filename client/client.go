package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/burst"
	"github.com/posnet/posnet/node/rpc/message"
)

// Error is a node's refusal: a status and one sentence.
type Error = message.Error

// DefaultURL is the client API of a network's first node on this machine.
const DefaultURL = "ws://127.0.0.1:9000/ws"

// ErrClosed is what calls return after Close.
var ErrClosed = errors.New("the connection was closed by this program")

// Options sets a client up. The zero value is ready to use.
type Options struct {
	// Window is how many requests may wait for their answers; further calls wait
	// for a place. 0 stands for 256, as many as a node works on at a time.
	Window int
	// News is how many events may wait to be read; 0 stands for 1024. A reader
	// further behind loses the connection, because to lose an event silently
	// would be worse.
	News int
	// ReadBuffer is how many bytes are read at once; 0 stands for 16 KiB. A program
	// with a thousand quiet connections is content with less.
	ReadBuffer int
	// Horizon keeps reads from showing less than what was seen before, at this
	// node or another; nil: they show what the node has.
	Horizon *Horizon
}

// writeBufferBytes is what one write to the connection takes.
const writeBufferBytes = 16 << 10

// writeBuffers are shared by all clients: a quiet connection holds none.
var writeBuffers sync.Pool

const (
	// pingInterval is how often the node is asked whether it lives, and
	// silenceTimeout how long it may say nothing: three pings.
	pingInterval, silenceTimeout = 20 * time.Second, time.Minute
	// writeTimeout is how long a write may take that the node does not accept.
	writeTimeout = 30 * time.Second
	// closeTimeout is how long Close waits for what is being written.
	closeTimeout = time.Second
)

// Client is one connection to a node.
type Client struct {
	ws    *websocket.Conn
	burst *burst.Conn

	done chan struct{} // closed when the connection has ended
	wg   sync.WaitGroup
	wake chan struct{} // has room for one
	slot chan struct{} // one place for each request under way

	mu      sync.Mutex
	err     error            // why the connection has ended
	closing bool             // Close was called
	queue   []*call          // not yet written
	byID    map[uint64]*call // written or to be written, with an id
	ordered []*call          // the same, without: answered in order
	lastID  uint64
	news    chan message.Event // nil until Subscribe
	size    int                // of news

	horizon *Horizon // nil: none
}

// call is one request under way.
type call struct {
	frame  []byte
	id     uint64                       // 0: none
	answer func(*message.Answer, error) // called once
}

// Dial connects to a node. url is "ws://HOST:PORT/ws" or just "HOST:PORT".
func Dial(ctx context.Context, url string, o Options) (*Client, error) {
	if o.Window <= 0 {
		o.Window = 256
	}
	if o.News <= 0 {
		o.News = 1024
	}
	if o.ReadBuffer <= 0 {
		o.ReadBuffer = 16 << 10
	}
	c := &Client{
		done: make(chan struct{}), wake: make(chan struct{}, 1), slot: make(chan struct{}, o.Window),
		byID: map[uint64]*call{}, size: o.News, horizon: o.Horizon,
	}
	dialer := websocket.Dialer{ReadBufferSize: o.ReadBuffer, WriteBufferSize: writeBufferBytes, WriteBufferPool: &writeBuffers}
	ws, err := dial(ctx, url, dialer, func(conn net.Conn) net.Conn {
		c.burst = burst.New(conn)
		return c.burst
	})
	if err != nil {
		return nil, err
	}
	c.ws = ws
	ws.SetPongHandler(func(string) error { return c.touch() })
	c.wg.Add(2)
	go c.read()
	go c.write()
	return c, nil
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the connection has ended, nil while it lasts.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection. Calls under way fail with ErrClosed.
func (c *Client) Close() {
	c.mu.Lock()
	c.closing = true
	ended := c.err != nil
	c.mu.Unlock()
	if !ended {
		text := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = c.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(closeTimeout)) // a courtesy
	}
	c.fail(ErrClosed)
	c.wg.Wait()
}

// fail ends the connection once, and every call under way with it.
func (c *Client) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if c.closing {
		err = ErrClosed // the node's answer to our goodbye is no failure
	}
	c.err = err
	calls := c.ordered
	for _, waiting := range c.byID {
		calls = append(calls, waiting)
	}
	c.byID, c.ordered, c.queue = nil, nil, nil
	if c.news != nil {
		close(c.news)
	}
	c.mu.Unlock()
	close(c.done)
	c.ws.Close()
	for _, waiting := range calls {
		waiting.answer(nil, err)
	}
}

func (c *Client) touch() error { return c.ws.SetReadDeadline(time.Now().Add(silenceTimeout)) }

// write sends what is queued, as few system calls as can be, and pings.
func (c *Client) write() {
	defer c.wg.Done()
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-c.done:
			return
		case <-ping.C:
			err = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		case <-c.wake:
			err = c.sendQueue()
		}
		if err != nil {
			c.fail(fmt.Errorf("the connection to the node broke: %w", err))
			return
		}
	}
}

func (c *Client) sendQueue() error {
	c.mu.Lock()
	queue := c.queue
	c.queue = nil
	c.mu.Unlock()
	c.burst.Hold()
	for _, waiting := range queue {
		_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)) // a failure shows when writing
		if err := c.ws.WriteMessage(websocket.TextMessage, waiting.frame); err != nil {
			return err
		}
	}
	return c.burst.Flush()
}
