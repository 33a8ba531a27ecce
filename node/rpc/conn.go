package rpc

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/posnet/posnet/node/rpc/burst"
	"github.com/posnet/posnet/node/rpc/message"
)

// conn is one websocket. A reader takes requests, a writer sends answers in
// the order of the requests. Merges are worked on beside each other; every other
// operation waits until those before it are done, so that a client that sends
// a merge and then asks for the pool finds its records there.
type conn struct {
	server *Server
	ws     *websocket.Conn
	burst  *burst.Conn // nil where the connection is not of our listener

	ctx    context.Context // ends when the connection is to end
	cancel context.CancelCauseFunc

	out      *outbox
	window   chan struct{} // one place for each request that is not yet answered
	merges   sync.WaitGroup
	limiter  *rate.Limiter
	borrowed atomic.Int64 // bytes of the server's budget for answers not yet sent

	// The reader's own.
	buffer   []byte
	midFrame bool
	touched  time.Time // when the read deadline was set
}

// linger is how long a connection that the server closes is still read from,
// so that the reason reaches a client that is busy sending.
const linger = time.Second

// maxReason keeps a reason within the 123 bytes of a close frame (RFC 6455,
// section 5.5), an ellipsis included.
const maxReason = 120

func newConn(s *Server, ws *websocket.Conn) *conn {
	c := &conn{
		server: s, ws: ws, out: newOutbox(), window: make(chan struct{}, s.options.MergeWindow),
		limiter: rate.NewLimiter(rate.Limit(s.options.QueriesPerSecond), 2*s.options.QueriesPerSecond),
	}
	c.burst, _ = ws.NetConn().(*burst.Conn)
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	ws.SetPongHandler(func(string) error { c.touch(); return nil })
	reply := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { c.touch(); return reply(data) })
	return c
}

// serve returns when the connection is closed and nothing of it is under way.
func (c *conn) serve() {
	readerDone, writerDone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(writerDone)
		c.write()
		c.farewell(readerDone)
	}()
	// A write that is stuck when the connection ends gives up.
	stop := context.AfterFunc(c.ctx, func() { _ = c.ws.NetConn().SetWriteDeadline(time.Now().Add(linger)) })
	defer stop()

	c.touch()
	c.read()
	close(readerDone)
	<-writerDone
	c.merges.Wait()
	c.server.hub.leave(c)
	c.giveBack(c.borrowed.Load())
}

// end closes the connection from our side. Only the first reason counts.
func (c *conn) end(code int, reason string) {
	c.cancel(&endingError{ending{code, reason}})
}

// farewell tells the client why the connection ends, if it is the server that
// ends it, and closes it.
func (c *conn) farewell(readerDone <-chan struct{}) {
	defer c.ws.Close()
	var told *endingError
	switch cause := context.Cause(c.ctx); {
	case errors.As(cause, &told):
	case c.server.ctx.Err() != nil:
		told = &endingError{ending{websocket.CloseGoingAway, "the node stops"}}
	default:
		return
	}
	text := websocket.FormatCloseMessage(told.code, clipTo(told.reason, maxReason))
	if err := c.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(linger)); err != nil {
		return
	}
	select {
	case <-readerDone:
	case <-time.After(linger):
	}
}

// touch notes a sign of life. It moves the deadline once in a while only: at
// thousands of frames a second the timer would cost more than the frames.
func (c *conn) touch() {
	silence := c.server.options.SilenceTimeout
	now := time.Now()
	if c.midFrame || now.Sub(c.touched) < silence/16 {
		return
	}
	c.touched = now
	_ = c.ws.SetReadDeadline(now.Add(silence)) // a failure shows when reading
}

// read takes requests until the connection is gone or is to end; what comes
// after that is read and forgotten.
func (c *conn) read() {
	for c.ctx.Err() == nil {
		if err := c.readOne(); err != nil {
			c.cancel(err)
		}
	}
	for {
		if _, _, err := c.ws.NextReader(); err != nil {
			return
		}
	}
}

func (c *conn) readOne() error {
	f, err := c.nextFrame()
	var refused *message.Error
	var told *endingError
	switch {
	case err == nil:
		return c.handle(f)
	case errors.As(err, &refused):
		return c.refuse("unknown", refused, nil)
	case errors.As(err, &told):
		c.out.push(outgoing{end: &told.ending})
		<-c.ctx.Done() // the writer ends the connection once all before is sent
		return nil
	}
	return err
}

// write sends what is in the outbox until the connection ends.
func (c *conn) write() {
	ping := time.NewTicker(c.server.options.PingInterval)
	defer ping.Stop()
	var items []outgoing
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ping.C:
			if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.server.options.WriteTimeout)); err != nil {
				c.cancel(err)
				return
			}
		case <-c.out.wake:
			items = c.out.take(items)
			if err := c.send(items); err != nil {
				c.lost(err)
				return
			}
		}
	}
}

// lost ends a connection that cannot be written to. Where that is because nothing was
// taken for too long, it counts among those that read too slowly, unless it was ended
// before for something else.
func (c *conn) lost(err error) {
	var late net.Error // of the websocket's own, which os.ErrDeadlineExceeded is not in
	if errors.As(err, &late) && late.Timeout() && c.ctx.Err() == nil {
		c.server.metrics.slow.Inc()
	}
	c.cancel(err)
}

// send writes items in order, as few system calls as can be.
func (c *conn) send(items []outgoing) error {
	c.hold()
	for _, item := range items {
		switch {
		case item.end != nil:
			if err := c.flush(); err != nil {
				return err
			}
			return &endingError{*item.end}
		case item.news != nil:
			if err := c.writeFrame(item.news); err != nil {
				return err
			}
			c.out.sent(item.news)
		default:
			if err := c.sendAnswer(item.answer); err != nil {
				return err
			}
		}
	}
	return c.flush()
}

func (c *conn) sendAnswer(wanted <-chan answer) error {
	var a answer
	select {
	case a = <-wanted:
	default:
		if err := c.flush(); err != nil {
			return err
		}
		select {
		case a = <-wanted:
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
		c.hold()
	}
	err := c.writeFrame(a.text)
	c.giveBack(a.borrowed)
	<-c.window
	return err
}

func (c *conn) writeFrame(text []byte) error {
	patience := c.server.options.WriteTimeout + time.Duration(len(text)/slowReader)*time.Second
	_ = c.ws.SetWriteDeadline(time.Now().Add(patience)) // a failure shows when writing
	return c.ws.WriteMessage(websocket.TextMessage, text)
}

func (c *conn) hold() {
	if c.burst != nil {
		c.burst.Hold()
	}
}

func (c *conn) flush() error {
	if c.burst != nil {
		return c.burst.Flush()
	}
	return nil
}
