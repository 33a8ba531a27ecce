package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Server is the line console of one node.
type Server struct {
	backend Backend
	options Options
	chain   chain

	mu       sync.Mutex
	sessions map[*session]bool
	running  sync.WaitGroup
}

// New returns a console that plays for backend. Serve starts it.
func New(backend Backend, options Options) *Server {
	return &Server{backend: backend, options: options.withDefaults(), chain: chain{backend: backend}, sessions: map[*session]bool{}}
}

// Serve takes people in on l until ctx ends, which is no error. It closes l,
// ends all sessions, and returns when nothing of it runs any more. It is called
// once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	head := s.backend.Head()
	if err := s.chain.load(ctx, head); err != nil {
		l.Close()
		return err
	}
	s.running.Go(func() { s.follow(ctx, head) })
	room := make(chan struct{}, s.options.MaxSessions+maxRefused)
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err == nil:
			s.running.Go(func() {
				defer func() { <-room }()
				s.serve(ctx, conn)
			})
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("the console on %s: %w", l.Addr(), err)
		default: // such as too many open files: it may pass
			<-room
			s.options.Logger.Warn("cannot take a console session in", "error", err)
			pause(ctx, time.Second)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follow tells every session who won each block.
func (s *Server) follow(ctx context.Context, head uint64) {
	for next := head + 1; s.backend.WaitBlock(ctx, next) == nil; {
		l, err := s.chain.add(ctx, next)
		if oldest := s.backend.Oldest(); err != nil && next < oldest {
			next = oldest // the node went on from a snapshot
			continue
		}
		if err != nil {
			s.options.Logger.Error("console", "error", err)
			pause(ctx, time.Second)
			continue
		}
		s.tell(l)
		next++
	}
}

func (s *Server) tell(l line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		you := ""
		if l.winner == session.key.Public() {
			you = " (you!)"
		}
		session.say("\nwinning validator: " + l.Validator + you + "\n")
	}
}

// serve plays one session.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok { // a machine that is gone is found within a minute
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
	p := newSession(ctx, s, conn)
	defer p.close()
	if !s.join(p) {
		p.say(fmt.Sprintf("There are %d sessions already, as many as this console takes: try again later, or on another node.\n", s.options.MaxSessions))
		return
	}
	s.options.Logger.Debug("console session", "address", conn.RemoteAddr(), "session", p.key.Public().Short())
	p.play()
	s.leave(p)
}

func (s *Server) join(p *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) == s.options.MaxSessions {
		return false
	}
	s.sessions[p] = true
	return true
}

// leave takes a session out of the draw, and out of who is told.
func (s *Server) leave(p *session) {
	s.mu.Lock()
	delete(s.sessions, p)
	s.mu.Unlock()
	if p.entered {
		s.backend.Leave(p.key.Public())
	}
}
