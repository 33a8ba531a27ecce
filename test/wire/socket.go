// Package wire is a client that knows nothing of posnet but JSON over a
// websocket: it sends texts and compares texts.
package wire

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/test/await"
)

// Socket is one connection to a node's client API.
type Socket struct {
	*websocket.Conn
	t testing.TB
}

// Dial connects to the API at host:port, for the length of the test.
func Dial(t testing.TB, address string) *Socket {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: await.Patience}
	ws, answer, err := d.Dial("ws://"+address+"/ws", http.Header{})
	if err != nil {
		t.Fatalf("connect to %s: %v (%v)", address, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &Socket{ws, t}
}

// Send sends one text frame.
func (s *Socket) Send(frame string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		s.t.Fatalf("send %.200s: %v", frame, err)
	}
}

// Receive returns the next text frame.
func (s *Socket) Receive() string {
	s.t.Helper()
	s.SetReadDeadline(time.Now().Add(await.Patience))
	kind, text, err := s.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		s.t.Fatalf("receive: frame of type %d: %v", kind, err)
	}
	return string(text)
}

// Ask sends a frame and returns the answer.
func (s *Socket) Ask(frame string) string {
	s.t.Helper()
	s.Send(frame)
	return s.Receive()
}

// Expect asks and compares the answer, byte for byte.
func (s *Socket) Expect(frame, want string) {
	s.t.Helper()
	if got := s.Ask(frame); got != want {
		s.t.Fatalf("asked %.300s\n got %s\nwant %s", frame, got, want)
	}
}
