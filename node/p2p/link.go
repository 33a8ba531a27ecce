package p2p

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/types"
)

// link is one proved connection to a peer. It is put into the table of peers
// once, serves, and is done; a lost connection gets a new link.
type link struct {
	peer    *peer
	kind    LinkKind
	inbound bool   // the peer dialed
	remote  string // the other end's address
	ws      *websocket.Conn
	timing  timing
	queue   *queue
	metrics *linkMetrics
	since   time.Time

	dead   chan struct{} // closed when the link is to end
	ending sync.Once
	reason error // why it ended; read after dead is closed

	// gone is closed when the reader has ended and no Message of this link will
	// be told any more.
	gone   chan struct{}
	before *link // the link this one replaced: its reader ends before ours begins

	head [entryBytes]byte // of the reader: no allocation per message
}

// end ends the link, telling the peer why if reason is a refusal. The first
// reason counts.
func (l *link) end(reason error) {
	l.ending.Do(func() {
		l.reason = reason
		close(l.dead)
		var r *refusal
		if errors.As(reason, &r) {
			l.ws.WriteControl(websocket.CloseMessage, r.frame(), time.Now().Add(closeGrace))
		}
		l.ws.Close()
	})
}

// isDead reports whether the link ends.
func (l *link) isDead() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

var errSlow = errors.New("the peer reads too slowly: more waits for it than the link's queue may hold")

// send queues a message and reports whether it did. It never waits: a queue
// that is full ends the link.
func (l *link) send(m message) bool {
	if l.isDead() {
		return false
	}
	if !l.queue.put(m) {
		l.metrics.drops.Inc()
		l.end(errSlow)
		return false
	}
	return true
}

// read delivers what comes in until the link ends, and returns why.
func (l *link) read(deliver func(Kind, []byte)) error {
	for {
		messageType, batch, err := l.ws.NextReader()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("nothing was heard from the peer for %v", l.timing.silence)
		}
		if err != nil {
			return err
		}
		if messageType != websocket.BinaryMessage {
			return refuse("a text message came: all messages on a link are binary")
		}
		if err := l.readBatch(batch, deliver); err != nil {
			return err
		}
	}
}

// readBatch reads one batch to its end. It needs no limit of its own: nothing
// of it is kept but the message that is read, and that has one.
func (l *link) readBatch(batch io.Reader, deliver func(Kind, []byte)) error {
	for {
		if _, err := io.ReadFull(batch, l.head[:1]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := io.ReadFull(batch, l.head[1:]); err != nil {
			return early(err)
		}
		kind, size := Kind(l.head[0]), binary.BigEndian.Uint32(l.head[1:])
		if err := l.admit(kind, size); err != nil {
			return err
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(batch, payload); err != nil {
			return early(err)
		}
		l.metrics.received(len(payload))
		deliver(kind, payload)
	}
}

// admit checks a message's kind and size before memory is taken for it.
func (l *link) admit(kind Kind, size uint32) error {
	switch {
	case kind.Link() != l.kind:
		return refuse("%v came on the %v link", kind, l.kind)
	case uint64(size) > uint64(kind.MaxBytes()):
		return refuseSize("%v of %d bytes: at most %d are allowed", kind, size, kind.MaxBytes())
	}
	return nil
}

// early tells a batch that ends within a message from a connection that does,
// of which the websocket library has an error of its own.
func early(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse("a batch ends within a message")
	}
	return err
}

// write sends what is queued, and a heartbeat each tick, until the link ends.
func (l *link) write(allowed func(types.PublicKey) bool) {
	tick := time.NewTicker(l.timing.heartbeat)
	defer tick.Stop()
	var batch []message
	for {
		var err error
		select {
		case <-l.dead:
			return
		case <-l.queue.ready:
			batch, err = l.drain(batch)
		case <-tick.C:
			err = l.beat(allowed)
		}
		if err != nil {
			l.end(fmt.Errorf("cannot write to the peer: %w", plain(err)))
			return
		}
	}
}

// drain writes all that is queued. It returns the batch's memory for reuse.
func (l *link) drain(batch []message) ([]message, error) {
	for {
		if batch = l.queue.take(batch[:0]); len(batch) == 0 {
			return batch, nil
		}
		if err := l.writeBatch(batch); err != nil {
			return nil, err
		}
		clear(batch) // or it would keep the payloads alive
	}
}

// writeBatch writes one batch as one websocket message.
func (l *link) writeBatch(batch []message) error {
	l.extend()
	w, err := l.ws.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	var head [entryBytes]byte
	for _, m := range batch {
		head[0] = byte(m.kind)
		binary.BigEndian.PutUint32(head[1:], uint32(len(m.payload)))
		if _, err := w.Write(head[:]); err != nil {
			return err
		}
		if err := l.writePayload(w, m.payload); err != nil {
			return err
		}
		l.metrics.sent(len(m.payload))
	}
	return w.Close()
}

// writePayload gives each chunk of a large payload a deadline of its own.
func (l *link) writePayload(w io.Writer, payload []byte) error {
	for len(payload) > chunkBytes {
		if _, err := w.Write(payload[:chunkBytes]); err != nil {
			return err
		}
		payload = payload[chunkBytes:]
		l.extend()
	}
	_, err := w.Write(payload)
	return err
}

func (l *link) extend() { l.ws.SetWriteDeadline(time.Now().Add(l.timing.write)) }

// beat says that this end lives, by an unsolicited pong, which RFC 6455 (5.5.3)
// has for this: no answer is due, so each end's beats tell of itself only.
func (l *link) beat(allowed func(types.PublicKey) bool) error {
	if !allowed(l.peer.Key) {
		l.end(refuse("key %s is no longer a validator of this network or a peer in the config here", l.peer.Key.Short()))
		return nil
	}
	return l.ws.WriteControl(websocket.PongMessage, nil, time.Now().Add(l.timing.write))
}
