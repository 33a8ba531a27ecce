package p2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// path is where the links live on the port.
const path = "/p2p"

// backoff is the pause before the next attempt to dial.
type backoff struct{ step time.Duration }

// reset makes the next attempt come at once, or after the first pause.
func (b *backoff) reset() { b.step = 0 }

// next returns a pause that doubles from minBackoff to maxBackoff, shortened by
// up to half at random, so that nodes that lost each other together do not come
// back together for ever.
func (b *backoff) next() time.Duration {
	b.step = min(max(2*b.step, minBackoff), maxBackoff)
	return b.step/2 + rand.N(b.step/2)
}

// keepDialing keeps one link to a configured peer up until ctx ends. It rests
// while the place is taken, whoever dialed.
func (m *Mesh) keepDialing(ctx context.Context, p Peer, kind LinkKind) {
	var pace backoff
	var pause time.Duration
	for sleep(ctx, pause) {
		l := m.current(p.Key, kind)
		if l == nil {
			var err error
			if l, err = m.dial(ctx, p, kind); err != nil {
				m.reportDial(ctx, p, kind, err)
				pause = pace.next()
				continue
			}
		}
		select {
		case <-l.gone:
		case <-ctx.Done():
			return
		}
		pause = m.afterLoss(l, &pace)
	}
}

// afterLoss returns the pause before a lost link is dialed anew: none, after a
// link that stood for a while. Both ends notice the loss at once, so the one
// with the larger key steps back, lest both dial each time.
func (m *Mesh) afterLoss(l *link, pace *backoff) time.Duration {
	if time.Since(l.since) >= steadyAfter {
		pace.reset()
		if m.isSmaller(l.peer.Key) {
			return 0
		}
	}
	return pace.next()
}

// sleep pauses and reports whether there is a reason to go on.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// dial makes one attempt; the link it returns is in its place and served.
func (m *Mesh) dial(ctx context.Context, p Peer, kind LinkKind) (*link, error) {
	h, err := m.connect(ctx, p.Address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { h.ws.Close() })
	defer stop()
	l, err := m.proveDialing(h, p, kind)
	if err != nil {
		h.refuse(err)
		return nil, err
	}
	m.wg.Go(func() { m.serve(h, l, nil) })
	return l, nil
}

// connect opens a websocket to an address.
func (m *Mesh) connect(ctx context.Context, address string) (*handshake, error) {
	h := &handshake{timing: m.timing}
	d := websocket.Dialer{
		HandshakeTimeout: m.timing.handshake,
		ReadBufferSize:   readBufferBytes,
		WriteBufferSize:  batchBytes,
		WriteBufferPool:  &m.buffers,
		NetDialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := m.config.Dial(ctx, address)
			if err != nil {
				return nil, err
			}
			left := maxHeaderBytes
			h.conn = &conn{Conn: c, opening: &left}
			return h.conn, nil
		},
	}
	ws, response, err := d.DialContext(ctx, "ws://"+address+path, nil)
	if errors.Is(err, websocket.ErrBadHandshake) && response != nil {
		return nil, fmt.Errorf("what answers at %s is no validator's p2p port: it says %.64q", address, response.Status)
	}
	if err != nil {
		return nil, err
	}
	h.conn.opening = nil
	h.ws = ws
	h.begin()
	return h, nil
}

// reportDial keeps why a dial failed, and logs it if it is news: a complaint
// loudly, an absent peer not.
func (m *Mesh) reportDial(ctx context.Context, p Peer, kind LinkKind, err error) {
	err = plain(err)
	if isRoutine(err) || ctx.Err() != nil {
		return
	}
	args := []any{"peer", p.Name, "key", p.Key.Short(), "address", p.Address, "link", kind, "why", err}
	switch isNews := m.note(p.Key, err.Error()); {
	case isNews && complaint(err) && m.repeats.isNew(p.Address, err.Error()):
		m.log.Warn("peer not linked", args...)
	case isNews:
		m.log.Info("peer not linked", args...)
	}
}
