package rpc

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// handle does one request. The error means that the connection has ended.
func (c *conn) handle(f frame) error {
	began := time.Now()
	r, refused := parseRequest(f.data)
	if refused != nil {
		f.done()
		return c.refuse("unknown", refused, nil)
	}
	o, a, refused := find(r)
	if refused != nil {
		f.done()
		return c.refuse(label(r.op), refused, r.id)
	}
	if o.name == message.OpMerge {
		return c.merge(f, r, a, began)
	}
	defer f.done()
	return c.query(o, a, r.id, began)
}

// label names an operation in metrics, which must not grow with what clients
// make up.
func label(op message.Op) string {
	if byName[op] == nil {
		return "unknown"
	}
	return string(op)
}

// merge reads the records and hands them to the node, beside other merges of
// this connection.
func (c *conn) merge(f frame, r request, a *arguments, began time.Time) error {
	if busy := c.server.backend.Busy(); busy != nil {
		f.done()
		return c.refuse("merge", refusal(busy), r.id)
	}
	records, err := readRecords(a.values["pool"])
	if err != nil {
		f.done()
		if errors.Is(err, errShape) {
			err = notJSON(r.frame)
		}
		return c.refuse("merge", refusal(err), r.id)
	}
	id := append([]byte(nil), r.id...) // the frame's buffer is used again
	reply, err := c.open()
	if err != nil {
		f.done()
		return err
	}
	var fate <-chan error
	if len(records) > 0 {
		fate, err = c.server.backend.Submit(records)
	}
	c.merges.Add(1)
	answered := func(err error) {
		text, status := mergeAnswer(err, id)
		c.server.metrics.request("merge", status, began)
		reply <- answer{text: text}
		f.done()
		c.merges.Done()
	}
	if err != nil || fate == nil {
		answered(err)
		return nil
	}
	go func() { answered(c.server.fateOf(fate)) }()
	return nil
}

// fateOf waits for a merge, also when its connection has ended: what has arrived is
// done.
func (s *Server) fateOf(merge <-chan error) error {
	select {
	case err := <-merge:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func mergeAnswer(err error, id []byte) (text []byte, status int) {
	if err != nil {
		refused := refusal(err)
		return errorAnswer(refused, id), refused.Status
	}
	return acceptedAnswer(id), message.StatusAccepted
}

// query does an operation other than merge, once the merges before it are done.
func (c *conn) query(o *operation, a *arguments, id []byte, began time.Time) error {
	if !c.limiter.Allow() {
		return c.tooFast(id)
	}
	c.merges.Wait()
	reply, err := c.open()
	if err != nil {
		return err
	}
	text, err := c.run(o, a, id)
	out := answer{text: text}
	if err == nil {
		out.borrowed, err = c.borrow(int64(len(text)))
	}
	status := message.StatusOK
	if err != nil {
		refused := refusal(err)
		status, out.text = refused.Status, errorAnswer(refused, id)
	}
	c.server.metrics.request(string(o.name), status, began)
	reply <- out
	return nil
}

// run does an operation and writes its answer. Topics are the connection's own
// and cost nothing; the others wait for their turn.
func (c *conn) run(o *operation, a *arguments, id []byte) ([]byte, error) {
	var response any
	var err error
	switch o.name {
	case message.OpSubscribe, message.OpUnsubscribe:
		response, err = c.server.hub.change(c, o.name == message.OpSubscribe, a)
	default:
		if err := c.reach(a); err != nil {
			return nil, err
		}
		if err := c.take(c.server.queries, 1); err != nil {
			return nil, message.Errorf(message.StatusNotReady, "The node is busy with other requests: try again")
		}
		defer c.server.queries.Release(1)
		response, err = o.run(c.ctx, c.server, a)
	}
	if err != nil {
		return nil, err
	}
	return okAnswer(response, id)
}

// reach waits until the node has the block that a read is to see, for so long as
// blocks on their way take. It holds up what comes behind it on the connection,
// and nobody else.
func (c *conn) reach(a *arguments) error {
	height := uint64(a.integer(minHeight, 0, 0, int64(types.MaxAmount)))
	backend, patience := c.server.backend, c.server.options.HeightTimeout
	if a.err != nil || height == 0 || height <= backend.Head() {
		return a.err
	}
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	err := backend.WaitBlock(ctx, height)
	if errors.Is(err, context.DeadlineExceeded) {
		return message.Errorf(message.StatusNotReady, "This node has block %d and, after %v, not yet the block of %q %d: try again, or ask another node", backend.Head(), patience, minHeight, height)
	}
	return err
}

// refuse answers a request that is wrong.
func (c *conn) refuse(op string, refused *message.Error, id []byte) error {
	if !c.limiter.Allow() {
		return c.tooFast(id)
	}
	c.server.metrics.request(op, refused.Status, time.Now())
	reply, err := c.open()
	if err == nil {
		reply <- answer{text: errorAnswer(refused, id)}
	}
	return err
}

func (c *conn) tooFast(id []byte) error {
	refused := message.Errorf(message.StatusTooFast, "Too many requests: one connection may make %d a second beside merges; wait for answers before asking again", c.server.options.QueriesPerSecond)
	c.server.metrics.request("unknown", refused.Status, time.Now())
	reply, err := c.open()
	if err == nil {
		reply <- answer{text: errorAnswer(refused, id)}
	}
	return err
}

// open takes the next place in the order of answers, and waits for one if too
// many are not yet sent.
func (c *conn) open() (chan<- answer, error) {
	select {
	case c.window <- struct{}{}:
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
	reply := make(chan answer, 1)
	c.out.push(outgoing{answer: reply})
	return reply, nil
}

// take waits a little for a share of one of the server's budgets.
func (c *conn) take(budget *semaphore.Weighted, n int64) error {
	if budget.TryAcquire(n) {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.server.options.BusyTimeout)
	defer cancel()
	return budget.Acquire(ctx, n)
}

// borrow takes the bytes of an answer from the server's budget.
func (c *conn) borrow(n int64) (int64, error) {
	n = min(n, answersBudget)
	if err := c.take(c.server.answers, n); err != nil {
		return 0, message.Errorf(message.StatusNotReady, "The node has too many answers waiting for slow readers: try again, or ask for less")
	}
	c.borrowed.Add(n)
	return n, nil
}

func (c *conn) giveBack(n int64) {
	if n > 0 {
		c.borrowed.Add(-n)
		c.server.answers.Release(n)
	}
}

// drop ends the connection of a subscriber that cannot be told everything:
// because it reads too slowly, or because of the node's own failure.
func (c *conn) drop(failure error) {
	if failure != nil {
		c.end(websocket.CloseInternalServerErr, "the node cannot read a block: "+failure.Error())
		return
	}
	c.server.metrics.slow.Inc()
	c.end(websocket.ClosePolicyViolation, "news came faster than this connection reads: connect and subscribe again")
}
