package rpc

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/message"
)

// frame is one request as it came, and what it holds of the server's budget.
type frame struct {
	data []byte // in the connection's buffer, until the next frame
	done func() // gives the budget back; called once, when the request is done with
}

// nextFrame reads a frame. The error is a *message.Error where the connection
// can go on, an *endingError where the server must close it, or else the
// connection is gone. It must be the reader that calls.
func (c *conn) nextFrame() (frame, error) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return frame{}, err
	}
	c.touch()
	if kind != websocket.TextMessage {
		return frame{}, c.discard(r, badRequest("The frame is binary: send JSON as a text frame"))
	}
	whole, err := c.fill(r, smallFrame)
	if err != nil {
		return frame{}, err
	}
	if !whole {
		return c.largeFrame(r)
	}
	size := int64(len(c.buffer))
	if err := c.server.frames.Acquire(c.ctx, size); err != nil {
		return frame{}, err
	}
	return frame{data: c.buffer, done: func() { c.server.frames.Release(size) }}, nil
}

// largeFrame reads on where a frame does not fit into the small buffer. Large
// ones have slots of their own, so that who sends them slowly delays no other.
func (c *conn) largeFrame(r io.Reader) (frame, error) {
	c.midFrame = true
	defer func() { c.midFrame = false; c.touch() }()
	_ = c.ws.SetReadDeadline(time.Now().Add(c.server.options.FrameTimeout)) // a failure shows when reading
	c.touched = time.Time{}

	ctx, cancel := context.WithTimeout(c.ctx, c.server.options.BusyTimeout)
	defer cancel()
	if err := c.server.largeFrames.Acquire(ctx, 1); err != nil {
		return frame{}, c.discard(r, message.Errorf(message.StatusNotReady, "The node is busy with other large frames: try again, or send less at a time"))
	}
	done := func() { c.server.largeFrames.Release(1) }
	whole, err := c.fill(r, message.MaxFrameBytes)
	if err == nil && !whole {
		err = c.discard(r, message.Errorf(message.StatusTooLarge, "The frame is too large: at most %d bytes are allowed; send the records in several", message.MaxFrameBytes))
	}
	if err != nil {
		done()
		c.buffer = nil
		return frame{}, err
	}
	data := c.buffer
	c.buffer = nil // a large buffer is not kept
	return frame{data: data, done: done}, nil
}

// fill reads into the buffer until the frame ends, which is true, or until it
// has more than most bytes. A buffer that has something is read on into.
func (c *conn) fill(r io.Reader, most int) (whole bool, err error) {
	if most == smallFrame {
		c.buffer = c.buffer[:0]
	}
	for len(c.buffer) <= most {
		if len(c.buffer) == cap(c.buffer) {
			grown := make([]byte, len(c.buffer), min(max(1024, 2*cap(c.buffer)), max(most+1, len(c.buffer)+1)))
			copy(grown, c.buffer)
			c.buffer = grown
		}
		n, err := r.Read(c.buffer[len(c.buffer):cap(c.buffer)])
		c.buffer = c.buffer[:len(c.buffer)+n]
		if errors.Is(err, io.EOF) {
			return len(c.buffer) <= most, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// discard reads the rest of a frame that is not wanted and returns why; one
// that does not come to an end closes the connection.
func (c *conn) discard(r io.Reader, why *message.Error) error {
	n, err := io.CopyN(io.Discard, r, maxDiscard)
	switch {
	case errors.Is(err, io.EOF):
		return why
	case err != nil:
		return err
	case n == maxDiscard:
		return &endingError{ending{websocket.CloseMessageTooBig, why.Message}}
	}
	return why
}

// endingError says that and why the server closes the connection.
type endingError struct{ ending }

// Error implements error.
func (e *endingError) Error() string { return e.reason }
