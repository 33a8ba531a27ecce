package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"github.com/gorilla/websocket"
)

// openPort opens the port peers dial.
func openPort(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("p2p: %s is in use by another program: stop that, or set listen.p2p to a free port", address)
	}
	if err != nil {
		return nil, fmt.Errorf("p2p: cannot listen on %s: %w; listen.p2p must be host:port of this machine", address, err)
	}
	return l, nil
}

// listen serves the port until the mesh closes.
func (m *Mesh) listen() {
	if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) && m.ctx.Err() == nil {
		m.log.Error("peers can dial this node no longer: its port failed", "address", m.Addr(), "why", err)
	}
}

// connKey finds the conn in the context of a request that came over it.
type connKey struct{}

func (m *Mesh) newServer() *http.Server {
	s := &http.Server{
		Handler:           http.HandlerFunc(m.accept),
		ReadHeaderTimeout: m.timing.handshake,
		ReadTimeout:       m.timing.handshake,
		WriteTimeout:      m.timing.handshake,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	s.SetKeepAlivesEnabled(false)
	return s
}

// accept turns a request into a link that the peer dialed.
func (m *Mesh) accept(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != path || !websocket.IsWebSocketUpgrade(r) {
		http.Error(w, "this port is for links between validators, by websocket at "+path, http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: m.timing.handshake,
		ReadBufferSize:   readBufferBytes,
		WriteBufferSize:  batchBytes,
		WriteBufferPool:  &m.buffers,
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	h := &handshake{ws: ws, conn: r.Context().Value(connKey{}).(*conn), timing: m.timing}
	if !m.spawn(func() { m.welcome(h) }) {
		h.refuse(errStopping)
	}
}

// welcome takes a connection from its handshake to its end.
func (m *Mesh) welcome(h *handshake) {
	h.begin()
	stop := context.AfterFunc(m.ctx, func() { h.refuse(errStopping) })
	l, proof, err := m.proveListening(h)
	stop()
	if err != nil {
		m.reportRefusal(h, plain(err)) // before: who is told may look at the count
		h.refuse(err)
		return
	}
	m.serve(h, l, proof)
}

// reportRefusal logs why a connection became no link.
func (m *Mesh) reportRefusal(h *handshake, err error) {
	remote := h.conn.RemoteAddr()
	if isRoutine(err) || m.ctx.Err() != nil {
		return
	}
	m.refusals.Inc()
	if complaint(err) && m.repeats.isNew(hostOf(remote), err.Error()) {
		m.log.Warn("connection refused", "from", remote, "why", err)
		return
	}
	m.log.Debug("connection refused", "from", remote, "why", err)
}

// reportTurned logs that the gate turned a connection away.
func (m *Mesh) reportTurned(remote net.Addr) {
	m.refusals.Inc()
	const why = "too many connections wait to prove a key"
	if m.repeats.isNew(hostOf(remote), why) {
		m.log.Warn("connection refused", "from", remote, "why", why)
	}
}
