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

// keepDialing keeps one link to a configured peer up until the mesh closes. It
// rests while the place is taken, whoever dialed.
func (m *Mesh) keepDialing(p *peer, kind LinkKind) {
	var pace backoff
	var pause time.Duration
	for m.sleep(pause) {
		l := m.current(p.Key, kind)
		if l == nil {
			var err error
			if l, err = m.dial(p, kind); err != nil {
				m.reportDial(p, kind, err)
				pause = pace.next()
				continue
			}
		}
		select {
		case <-l.gone:
		case <-m.ctx.Done():
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

// sleep pauses and reports whether the mesh is still open.
func (m *Mesh) sleep(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return m.ctx.Err() == nil
	case <-m.ctx.Done():
		return false
	}
}

// dial makes one attempt; the link it returns is in its place and served.
func (m *Mesh) dial(p *peer, kind LinkKind) (*link, error) {
	if !m.config.Allowed(p.Key) {
		return nil, fmt.Errorf("key %s is no validator of this network now: it is not dialed", p.Key.Short())
	}
	h, err := m.connect(p.Address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(m.ctx, func() { h.ws.Close() })
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
func (m *Mesh) connect(address string) (*handshake, error) {
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
			h.conn = &conn{Conn: c}
			return h.conn, nil
		},
	}
	ws, response, err := d.DialContext(m.ctx, "ws://"+address+path, nil)
	if errors.Is(err, websocket.ErrBadHandshake) && response != nil {
		return nil, fmt.Errorf("what answers at %s is no validator's p2p port: it says %q", address, response.Status)
	}
	if err != nil {
		return nil, err
	}
	h.ws = ws
	h.begin()
	return h, nil
}

// reportDial keeps why a dial failed, and logs it if it is news: a complaint
// loudly, an absent peer not.
func (m *Mesh) reportDial(p *peer, kind LinkKind, err error) {
	err = plain(err)
	if isRoutine(err) || m.ctx.Err() != nil {
		return
	}
	args := []any{"peer", p.Name, "key", p.Key.Short(), "address", p.Address, "link", kind, "why", err}
	switch isNews := m.note(p, err.Error()); {
	case isNews && complaint(err) && m.repeats.isNew(p.Address, err.Error()):
		m.log.Warn("peer not linked", args...)
	case isNews:
		m.log.Info("peer not linked", args...)
	}
}
