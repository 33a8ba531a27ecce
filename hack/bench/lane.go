package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/burst"
	"github.com/posnet/posnet/node/rpc/message"

	"github.com/posnet/posnet/hack/bench/nodes"
)

// lane sends the transfers of its accounts to one node, in order, over one
// connection. Sending is one goroutine's; answers are read by another.
type lane struct {
	node      string
	mayDie    bool // its node is killed during the run
	ws        *websocket.Conn
	burst     *burst.Conn
	wire      wire
	transfers *transfers
	buffer    []byte // the frame being made

	// The sender's own until it has ended.
	sent  []time.Time // by record, just before its frame was written (last); zero before
	next  int         // the record after the last that was sent
	count int         // records sent, each once
	ends  []int       // by frame, the record after its last

	// The subscriber's own until it has ended.
	done []time.Time // by record, when the news of its block was here; zero before

	committed atomic.Int64  // records
	progress  chan struct{} // has room for one: something was committed or answered

	insist   *insistence           // what is done about refusals; nil: they fail the run
	answered atomic.Int64          // frames, with a yes
	refused  atomic.Pointer[error] // the first refusal
	lost     atomic.Pointer[error] // why the connection ended
	ended    chan struct{}         // closed when nobody reads any more
}

// writePatience is how long a node may leave a connection unread before the
// run fails: an open loop that waits is none.
const writePatience = 10 * time.Second

// connect opens a websocket whose writes can be bundled.
func connect(ctx context.Context, address, path string) (*websocket.Conn, *burst.Conn, error) {
	var b *burst.Conn
	d := websocket.Dialer{
		HandshakeTimeout: writePatience, ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			b = burst.New(c)
			return b, nil
		},
	}
	ws, response, err := d.DialContext(ctx, "ws://"+address+path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the node at %s: %w", address, err)
	}
	_ = response.Body.Close()
	return ws, b, nil
}

// openLane connects a lane that will send n transfers at most; insist is what it
// does about refusals.
func openLane(ctx context.Context, p *nodes.Process, w wire, t *transfers, n int, insist *insistence) (*lane, error) {
	ws, b, err := connect(ctx, p.API, w.path())
	if err != nil {
		return nil, err
	}
	l := &lane{
		node: p.Name, ws: ws, burst: b, wire: w, transfers: t, done: make([]time.Time, n), sent: make([]time.Time, n),
		progress: make(chan struct{}, 1), insist: insist, ended: make(chan struct{}),
	}
	go l.read()
	return l, nil
}

// left is how many records the lane may still send.
func (l *lane) left() int { return len(l.sent) - l.next }

// send writes the next n records in one frame.
func (l *lane) send(n int) error {
	first := l.next
	l.next += n
	l.ends = append(l.ends, l.next)
	return l.write(first, n)
}

// write writes some records in one frame.
func (l *lane) write(first, n int) error {
	l.buffer = l.wire.frame(l.buffer[:0], l.transfers, first, n)
	now := time.Now()
	for k := first; k < first+n; k++ {
		if l.sent[k].IsZero() {
			l.count++
		}
		l.sent[k] = now
	}
	_ = l.ws.SetWriteDeadline(now.Add(writePatience)) // a failure shows when writing
	return l.ws.WriteMessage(websocket.TextMessage, l.buffer)
}

// outstanding is how many of the records sent are not committed yet.
func (l *lane) outstanding() int { return l.count - int(l.committed.Load()) }

func (l *lane) noteProgress() {
	select {
	case l.progress <- struct{}{}:
	default:
	}
}

// read takes the answers, which come in the order of the frames.
func (l *lane) read() {
	defer close(l.ended)
	defer l.noteProgress()
	var buffer []byte
	for {
		var err error
		if buffer, err = readMessage(l.ws, buffer); err != nil {
			err = fmt.Errorf("the connection to node %s ended: %w", l.node, err)
			l.lost.Store(&err)
			return
		}
		refusal := l.wire.refusal(buffer)
		if l.insist != nil {
			l.insist.answer(refusal)
			l.noteProgress()
			continue
		}
		if refusal != "" {
			err := fmt.Errorf("node %s refused frame %d: %.300s", l.node, l.answered.Load(), buffer)
			l.refused.CompareAndSwap(nil, &err)
			l.noteProgress()
			continue
		}
		l.answered.Add(1)
	}
}

// trouble is what keeps the lane from sending on, or nil.
func (l *lane) trouble() error {
	if err := l.refused.Load(); err != nil {
		return *err
	}
	return l.broken()
}

// broken is why the connection ended, or nil while it lasts.
func (l *lane) broken() error {
	if err := l.lost.Load(); err != nil {
		return *err
	}
	return nil
}

// close ends the connection; the lane's figures stay.
func (l *lane) close() {
	_ = l.ws.Close()
	<-l.ended
}

// unaccepted is how many records the node has not said yes to. It answers in
// order, and a run with a refusal fails, so that those it has are the first sent.
func (l *lane) unaccepted() int {
	if l.insist != nil {
		return l.insist.unaccepted()
	}
	n := l.answered.Load()
	if n == 0 {
		return l.count
	}
	return l.count - l.ends[n-1]
}

// readMessage reads one message into buffer, which grows as needed.
func readMessage(ws *websocket.Conn, buffer []byte) ([]byte, error) {
	_, r, err := ws.NextReader()
	if err != nil {
		return buffer, err
	}
	buffer = buffer[:0]
	for {
		if len(buffer) == cap(buffer) {
			if len(buffer) >= message.MaxAnswerBytes {
				return buffer, fmt.Errorf("a message of more than %d bytes", message.MaxAnswerBytes)
			}
			grown := make([]byte, len(buffer), max(64<<10, 2*cap(buffer)))
			copy(grown, buffer)
			buffer = grown
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}
