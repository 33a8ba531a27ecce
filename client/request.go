package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Do asks for any operation and waits for the answer. args may be nil; the
// response is read into into, unless that is nil. The error is an *Error where
// the node refused, and the context's where that ended first: the node may
// still do what was asked.
func (c *Client) Do(ctx context.Context, op message.Op, args, into any) error {
	type result struct {
		answer *message.Answer
		err    error
	}
	got := make(chan result, 1)
	err := c.start(ctx, op, args, func(a *message.Answer, err error) { got <- result{a, err} })
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r := <-got:
		if r.err != nil || into == nil {
			return r.err
		}
		if err := json.Unmarshal(r.answer.Response, into); err != nil {
			return fmt.Errorf("the node's answer to %q does not read: %s", op, plain(err.Error()))
		}
		return nil
	}
}

func (c *Client) start(ctx context.Context, op message.Op, args any, answer func(*message.Answer, error)) error {
	if err := c.reserve(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.mu.Unlock()
	frame, err := encode(message.Request{Op: op, Args: args, ID: strconv.AppendUint(nil, id, 10)})
	if err != nil {
		<-c.slot
		return err
	}
	return c.enqueue(&call{frame: frame, id: id, answer: answer})
}

// reserve waits for a place among the requests under way.
func (c *Client) reserve(ctx context.Context) error {
	select {
	case c.slot <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.slot <- struct{}{}:
		return nil
	case <-c.done:
		return c.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueue hands a call, which has its place, to the writer.
func (c *Client) enqueue(waiting *call) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.queue = append(c.queue, waiting)
	if waiting.id != 0 {
		c.byID[waiting.id] = waiting
	} else {
		c.ordered = append(c.ordered, waiting)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// encode writes a frame and checks that a node would take it.
func encode(r message.Request) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("%q: cannot write the request: %w", r.Op, err)
	}
	if b.Len() > message.MaxFrameBytes {
		return nil, &Error{Status: message.StatusTooLarge, Message: fmt.Sprintf("%q: the request takes %d bytes: a node takes at most %d; send less at a time", r.Op, b.Len(), message.MaxFrameBytes)}
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type mergeArgs struct {
	Pool []*types.Record `json:"pool"`
}

// Merge brings records into the node's pool, all or none.
func (c *Client) Merge(ctx context.Context, records ...*types.Record) error {
	return c.Do(ctx, message.OpMerge, mergeArgs{records}, nil)
}

// EncodeMerge writes the frame of a merge for SendMerge.
func EncodeMerge(records ...*types.Record) ([]byte, error) {
	return encode(message.Request{Op: message.OpMerge, Args: mergeArgs{records}})
}

// SendMerge sends a frame of EncodeMerge without waiting for the answer, for
// programs that make load: it costs one small allocation. It waits while
// Options.Window requests are under way. done is called once with the outcome
// if nil is returned, from the goroutine that reads, and must not wait; the
// frame must not change until then.
func (c *Client) SendMerge(ctx context.Context, frame []byte, done func(error)) error {
	if err := c.reserve(ctx); err != nil {
		return err
	}
	return c.enqueue(&call{frame: frame, answer: func(_ *message.Answer, err error) { done(err) }})
}
