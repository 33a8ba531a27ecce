package rpc_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzPort writes arbitrary bytes to the port of the API, before any websocket:
// what is answered is not large, and the next request is served.
func FuzzPort(f *testing.F) {
	address, stop := start(f, newFake(), rpc.Options{QueriesPerSecond: 1 << 30})
	f.Cleanup(stop)
	const upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	for _, raw := range []string{
		upgrade, upgrade + "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", upgrade + "\x81\x8f\x00\x00\x00\x00" + `{"op":"status"}`, upgrade + "\x01\x80\x00\x00\x00\x00\x80\x80",
		upgrade + "\x89\xff", upgrade + "\x88\x82\x00\x00\x00\x00\x03\xe8", upgrade + "\xc1\x80", upgrade[:70], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /readyz HTTP/1.0\r\n\r\n",
		"HEAD /version HTTP/1.1\r\nHost: x\r\n\r\nGET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n", "POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\nx",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "",
	} {
		f.Add([]byte(raw))
	}
	others := &http.Client{Timeout: patience}
	f.Cleanup(others.CloseIdleConnections)
	f.Fuzz(func(t *testing.T, raw []byte) {
		// The page that tells a person what listens here may be asked for often.
		fuzzed.Within(t, uint64(1<<20+4<<10*len(raw)), func() { talk(t, address, raw) })
		r, err := others.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatalf("after %q: %v", raw, err)
		}
		if text, err := io.ReadAll(r.Body); err != nil || string(text) != "ok\n" {
			t.Errorf("after %q: %q, %v", raw, text, err)
		}
		r.Body.Close()
	})
}

// talk says all of raw, hangs up and hears the answer to its end.
func talk(t *testing.T, address string, raw []byte) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write(raw) // it may be cut off
	_ = c.(*net.TCPConn).CloseWrite()
	if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
		t.Fatalf("%q keeps the connection open", raw)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}
