package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/test/fuzzed"
)

// answering listens, and answers whatever comes on a connection.
func answering(t testing.TB, answer func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answer(c)
			c.Close()
		}
	}()
	return l.Addr().String()
}

// What one dial may take from the heap, with all the buffers of a connection and what
// other goroutines take meanwhile.
const dialBytes = 4 << 20

// Whoever answers the handshake without an end is left, and little of it kept.
func TestDialEndless(t *testing.T) {
	address := answering(t, func(c net.Conn) {
		_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nx: ")
		for err == nil {
			_, err = c.Write(bytes.Repeat([]byte("x"), 1<<10))
		}
	})
	fuzzed.Within(t, dialBytes, func() {
		if _, err := client.Dial(t.Context(), address, client.Options{}); err == nil || !strings.Contains(err.Error(), "that is no node") {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzDial answers the handshake with arbitrary bytes: that is no node, and the
// error says so in a sentence.
func FuzzDial(f *testing.F) {
	var answer atomic.Pointer[[]byte]
	address := answering(f, func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4<<10)); err == nil {
			_, _ = c.Write(*answer.Load())
		}
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c) // until the client goes
	})
	for _, text := range []string{
		"", "HTTP", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
		"HTTP/1.1 503 Full\r\nContent-Length: 40\r\n\r\n{\"status\":503,\"error\":\"There are \x1b[2J\"}  ", "HTTP/1.1 200 \x1b[2J\r\n\r\n", "HTTP/1.1 101\r\nx\x1b: 1\r\n\r\n",
		"HTTP/1.1 503 Full\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{\"status\":503}", "\x16\x03\x01\x02\x00", "HTTP/1.1 503 Full\r\n\r\n{\"status\":503}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		answer.Store(&text)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		fuzzed.Within(t, dialBytes, func() {
			c, err := client.Dial(ctx, address, client.Options{})
			if err == nil {
				c.Close()
				t.Errorf("%q passes for a node", text)
			}
			fuzzed.Sentence(t, err)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%q is waited for", text)
			}
		})
	})
}
