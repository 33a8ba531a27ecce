package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"

	"github.com/posnet/posnet/node/rpc/burst"
	"github.com/posnet/posnet/node/rpc/message"
)

// Server serves the client API of one node.
type Server struct {
	backend Backend
	options Options
	metrics *metrics
	hub     *hub
	page    []byte
	ctx     context.Context // of Serve

	frames      *semaphore.Weighted // bytes of small requests under way
	largeFrames *semaphore.Weighted // large requests under way
	answers     *semaphore.Weighted // bytes of answers not yet sent
	queries     *semaphore.Weighted // operations other than merge under way

	mu       sync.Mutex
	conns    int
	stopping bool
	running  sync.WaitGroup
}

// New returns a server that answers from backend. Serve starts it.
func New(backend Backend, options Options) *Server {
	s := &Server{
		backend: backend, options: options.withDefaults(),
		frames:      semaphore.NewWeighted(framesBudget),
		largeFrames: semaphore.NewWeighted(framesBudget / message.MaxFrameBytes),
		answers:     semaphore.NewWeighted(answersBudget),
		queries:     semaphore.NewWeighted(maxQueries),
	}
	s.metrics = newMetrics(s.options.Registerer)
	s.hub = newHub(s)
	s.page = landingPage(s.options.Version)
	return s
}

// Serve answers on l until ctx ends, which is no error. It closes l, tells open
// connections that the node stops, and returns when nothing of it runs any
// more. It is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	s.ctx = ctx
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelDebug), // of clients' making
	}
	s.running.Go(func() { s.hub.followChain(ctx) })
	s.running.Go(func() { s.hub.followPool(ctx) })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, done := context.WithTimeout(context.Background(), linger)
		defer done()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(burst.Listener{Listener: netutil.LimitListener(keepAlive{l}, s.options.MaxConnections+extraConnections)})
	cancel()
	<-stopped
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.running.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the API on %s: %w", l.Addr(), err)
}

// keepAlive finds out within a minute that a client's machine is gone.
type keepAlive struct{ net.Listener }

// Accept implements net.Listener.
func (k keepAlive) Accept() (net.Conn, error) {
	c, err := k.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
	return c, err
}

// upgrader takes websockets from pages of any origin: the API has no cookies
// and no passwords that a foreign page could make use of, and a page of one's
// own that talks to the chain is what people learn with.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   16 << 10, // some forty merges in one system call
	WriteBufferSize:  4 << 10,
	CheckOrigin:      func(*http.Request) bool { return true },
	Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
		writeError(w, status, message.Errorf(status, "/ws is for websockets (RFC 6455, version 13): connect with a websocket client"))
	},
}

func (s *Server) websocket(w http.ResponseWriter, r *http.Request) {
	if err := s.enter(); err != nil {
		writeError(w, err.Status, err)
		return
	}
	defer s.leave()
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	s.options.Logger.Debug("client connected", "address", r.RemoteAddr)
	newConn(s, ws).serve()
	s.options.Logger.Debug("client gone", "address", r.RemoteAddr)
}

func (s *Server) enter() *message.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping || s.ctx.Err() != nil:
		return message.Errorf(message.StatusNotReady, "The node stops: ask another node")
	case s.conns == s.options.MaxConnections:
		s.metrics.refused.Inc()
		return message.Errorf(message.StatusNotReady, "There are %d connections already, as many as this node takes: close some, or ask another node", s.conns)
	}
	s.conns++
	s.running.Add(1)
	s.metrics.connections.Inc()
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns--
	s.metrics.connections.Dec()
	s.running.Done()
}
