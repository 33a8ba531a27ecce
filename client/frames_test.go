package client_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/test/fuzzed"
)

// speaking serves websockets and has talk speak on each.
func speaking(t *testing.T, talk func(*websocket.Conn)) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		link, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer link.Close()
		talk(link)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// A frame comes as it was written.
func TestFrames(t *testing.T) {
	const said = "{\"a\": \x1b[2J\n\xff}"
	f, err := client.DialFrames(t.Context(), speaking(t, func(link *websocket.Conn) {
		for {
			kind, frame, err := link.ReadMessage()
			if err != nil {
				return
			}
			_ = link.WriteMessage(kind, append(frame, said...)) // the test notices
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, asked := range []string{"one", "two"} {
		if err := f.Send([]byte(asked), time.Minute); err != nil {
			t.Fatal(err)
		}
		read := func() ([]byte, error) { return f.Next(time.Minute) }
		if asked == "two" {
			read = f.News
		}
		if got, err := read(); err != nil || string(got) != asked+said {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// Nobody is waited for without end: not for one who answers the handshake with
// nothing, nor for one who answers a request with nothing or with its beginning.
func TestFramesInTime(t *testing.T) {
	silent := speaking(t, func(link *websocket.Conn) { _, _, _ = link.ReadMessage(); _, _, _ = link.ReadMessage() })
	halting := speaking(t, func(link *websocket.Conn) {
		_, _, _ = link.ReadMessage()
		_, _ = link.NetConn().Write([]byte{0x81, 100, '{'}) // a frame of a hundred bytes
		_, _, _ = link.ReadMessage()
	})
	for _, address := range []string{silent, halting} {
		f, err := client.DialFrames(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Send([]byte("{}"), time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Next(100 * time.Millisecond); !errors.Is(err, client.ErrNoAnswer) {
			t.Errorf("got %v", err)
		}
		f.Close()
	}
}

// The words with which somebody ends a connection are shown as one line.
func TestFramesRefused(t *testing.T) {
	f, err := client.DialFrames(t.Context(), speaking(t, func(link *websocket.Conn) {
		_ = link.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "go\x1b[2J\naway"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.Next(time.Minute)
	fuzzed.Sentence(t, err)
	if err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("got %v", err)
	}
	address := answering(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 200 \x1b[2J\r\n\r\n")) })
	_, err = client.DialFrames(t.Context(), address)
	fuzzed.Sentence(t, err)
	if err == nil {
		t.Error("that was no node")
	}
}
