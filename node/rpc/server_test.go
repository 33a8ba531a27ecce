package rpc_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/posnet/posnet/node/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = time.Minute

// serve starts a server for the length of the test and returns its address.
// At the end of the test it must stop cleanly.
func serve(t *testing.T, backend rpc.Backend, o rpc.Options) string {
	t.Helper()
	address, stop := start(t, backend, o)
	t.Cleanup(stop)
	return address
}

func start(t testing.TB, backend rpc.Backend, o rpc.Options) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- rpc.New(backend, o).Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		select {
		case err := <-stopped:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server does not stop")
		}
	}
}

// socket is a websocket client that knows only text.
type socket struct {
	t *testing.T
	*websocket.Conn
}

func connect(t *testing.T, address string) socket {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return socket{t, ws}
}

func (s socket) send(text string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatalf("send: %v", err)
	}
}

func (s socket) receive() string {
	s.t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	_, text, err := s.ReadMessage()
	if err != nil {
		s.t.Fatalf("receive: %v", err)
	}
	return string(text)
}

func (s socket) ask(text string) string {
	s.t.Helper()
	s.send(text)
	return s.receive()
}

// closed reads until the server closes and returns its code and reason.
func (s socket) closed() (int, string) {
	s.t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	for {
		if _, _, err := s.ReadMessage(); err != nil {
			if e, ok := err.(*websocket.CloseError); ok {
				return e.Code, e.Text
			}
			if strings.Contains(err.Error(), "timeout") {
				s.t.Fatal("the server does not close the connection")
			}
			return 0, err.Error()
		}
	}
}

// eventually polls until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
