package rpc_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
)

// writeRaw sends one unfragmented frame of n equal bytes without having it in
// memory. The mask is zero, which is a mask too.
func (s socket) writeRaw(n int, b byte) error {
	header := append([]byte{0x81, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, uint64(n))...)
	if _, err := s.NetConn().Write(append(header, 0, 0, 0, 0)); err != nil {
		return err
	}
	piece := bytes.Repeat([]byte{b}, 64<<10)
	for n > 0 {
		wrote, err := s.NetConn().Write(piece[:min(n, len(piece))])
		if err != nil {
			return err
		}
		n -= wrote
	}
	return nil
}

// A frame that is too large is refused without being held, and the connection
// goes on.
func TestLargeFrame(t *testing.T) {
	s := connect(t, serve(t, newFake(), rpc.Options{}))
	want := `{"status":413,"error":"The frame is too large: at most 4194304 bytes are allowed; send the records in several","response":null}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := s.writeRaw(40<<20, ' '); err != nil {
		t.Fatal(err)
	}
	if got := s.receive(); got != want {
		t.Errorf("got %s", got)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("a frame of 40 MiB took %d bytes of memory", took)
	}
	s.send(strings.Repeat(" ", 10<<20)) // the same in fragments
	if got := s.receive(); got != want {
		t.Errorf("got %s", got)
	}
	largest := strings.Repeat(" ", message.MaxFrameBytes-len(`{"op":"pool"}`)) + `{"op":"pool"}`
	if got := s.ask(largest); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
		t.Errorf("the largest frame that is allowed: got %s", got)
	}
}

// A frame without end closes the connection with a sentence.
func TestEndlessFrame(t *testing.T) {
	s := connect(t, serve(t, newFake(), rpc.Options{}))
	s.send(`{"op":"pool"}`)
	go func() { _ = s.writeRaw(80<<20, ' ') }() // fails when the server has had enough
	if got := s.receive(); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
		t.Errorf("got %s", got)
	}
	code, reason := s.closed()
	if code != websocket.CloseMessageTooBig || !strings.HasPrefix(reason, "The frame is too large: at most 4194304 bytes are allowed") {
		t.Errorf("closed with %d, %q", code, reason)
	}
}

func TestOddFrames(t *testing.T) {
	s := connect(t, serve(t, newFake(), rpc.Options{}))
	if err := s.WriteMessage(websocket.BinaryMessage, []byte(`{"op":"pool"}`)); err != nil {
		t.Fatal(err)
	}
	if got := s.receive(); got != `{"status":400,"error":"The frame is binary: send JSON as a text frame","response":null}` {
		t.Errorf("binary: got %s", got)
	}
	if got := s.ask("{\"op\":\"po\xffl\"}"); got != `{"status":400,"error":"The frame is not valid UTF-8: send one object such as {\"op\": \"pool\"}","response":null}` {
		t.Errorf("bad UTF-8: got %s", got)
	}
	if got := s.ask(`{"op":"pool","id":"` + strings.Repeat("x", 300) + `"}`); got != `{"status":400,"error":"\"id\" takes 302 bytes: at most 256 are allowed","response":null}` {
		t.Errorf("long id: got %s", got)
	}
	if got := s.ask(`{"op":"pool"}`); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
		t.Errorf("afterwards: got %s", got)
	}
}

// Hostile shapes cost no more time than their bytes: each of these is up to four megabytes.
func TestHostileShapes(t *testing.T) {
	const n = 1 << 19
	s := connect(t, serve(t, newFake(), rpc.Options{}))
	for name, frame := range map[string]string{
		"open arrays":          strings.Repeat("[", n),
		"open objects":         strings.Repeat(`{"op":`, n),
		"nested argument":      `{"op":"pool","args":{"limit":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`,
		"nested record":        `{"op":"merge","args":{"pool":[{"amount":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}]}}`,
		"escapes":              `{"op":"` + strings.Repeat(`\\`, n) + `"}`,
		"escaped quotes":       `{"op":"` + strings.Repeat(`\"`, n) + `"}`,
		"escapes without end":  `{"op":"` + strings.Repeat(`\"`, n),
		"a long number":        `{"op":"blocks","args":{"start":` + strings.Repeat("9", n) + `}}`,
		"a long name":          `{"` + strings.Repeat("x", n) + `":1}`,
		"a long op":            `{"op":"` + strings.Repeat("é", n) + `"}`,
		"a long id":            `{"op":"pool","id":"` + strings.Repeat("x", n) + `"}`,
		"a long account":       `{"op":"balance","args":{"account":"` + strings.Repeat("f", n) + `"}}`,
		"many members":         `{` + strings.Repeat(`"op":"pool",`, n/4) + `"op":"pool"}`,
		"many topics":          `{"op":"subscribe","args":{"topics":[` + strings.Repeat(`"x",`, n/4) + `"x"]}}`,
		"many numbers":         `{"op":"merge","args":{"pool":[` + strings.Repeat(`1,`, n) + `1]}}`,
		"a long unknown field": `{"op":"merge","args":{"pool":[{"` + strings.Repeat("x", n) + `":1}]}}`,
	} {
		got := s.ask(frame)
		if status := got[:13]; status != `{"status":400` && status != `{"status":404` || len(got) > 1024 {
			t.Errorf("%s: got %.200s", name, got)
		}
	}
	if got := s.ask(`{"op":"pool"}`); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
		t.Errorf("afterwards: got %s", got)
	}
}
