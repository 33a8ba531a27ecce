package badinput_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
	"github.com/posnet/posnet/test/wire"
)

const mint = `{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":10000}]}}`

// Whatever comes in at the ports of a running network is answered or hung up
// on; a record that waited before waits after it, and makes a block with the
// next two.
func TestPorts(t *testing.T) {
	t.Parallel()
	n := write(t, t.TempDir(), "alice", "bob", "carol", "dave")
	begin(t, n)
	s := wire.Dial(t, n.Nodes[0].Config.Listen.API)
	s.Expect(mint, `{"status":202,"error":"Accepted"}`)
	waits := s.Ask(`{"op":"pool","args":{"ids":true}}`)

	t.Run("all at once", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *processes.Network){
			"API: frames": apiTranscript, "API: odd frames": oddFrames, "API: too many records": tooManyRecords,
			"API: half-open": halfOpenAPI, "API: slow reader": slowReader, "API: no HTTP": noHTTP,
			"console: lines": consoleLines, "console: half-open": halfOpenConsole,
			"metrics: no HTTP": metricsGarbage,
			"p2p: strangers":   p2pStrangers, "p2p: garbage": p2pGarbage, "p2p: half-open": halfOpenP2P,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, n)
			})
		}
	})

	s.Expect(`{"op":"pool","args":{"ids":true}}`, waits)
	goesOn(t, n, waits)
}

// goesOn checks that every node runs and that the network commits what waits.
func goesOn(t *testing.T, n *processes.Network, waits string) {
	t.Helper()
	s := wire.Dial(t, n.Nodes[0].Config.Listen.API)
	for range 2 {
		s.Expect(mint, `{"status":202,"error":"Accepted"}`)
	}
	id := regexp.MustCompile(`"id":"([0-9a-f]{64})"`).FindStringSubmatch(waits)
	if id == nil {
		t.Fatalf("the pool was %s", waits)
	}
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	for _, p := range n.Nodes {
		err := p.Await(ctx, func(s message.Status) error {
			if s.Height != 1 || s.PoolSize != 0 || s.Peers != 3 || s.Evidence != 0 || s.Totals.Records != 3 {
				return fmt.Errorf("its status is %+v", s)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Blocks(ctx, client.BlocksArgs{BlockArgs: client.BlockArgs{IDs: true}})
		if err != nil || page.Blocks[0].Items[0].Record.ID().String() != id[1] {
			t.Errorf("%s: the first record of the block is not the one that waited: %+v (%v)", p.Name, page.Blocks, err)
		}
		c.Close()
		if log, err := os.ReadFile(p.LogFile()); err != nil || strings.Contains(string(log), "panic") {
			t.Errorf("%s: there was a panic (%v): %s", p.Name, err, log)
		}
	}
}

// apiTranscript asks all that testdata/api.txt asks, and compares the answers.
func apiTranscript(t *testing.T, n *processes.Network) {
	script, err := os.ReadFile("testdata/api.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := wire.Dial(t, n.Nodes[0].Config.Listen.API)
	var said strings.Builder
	for line := range strings.Lines(string(script)) {
		if strings.HasPrefix(line, "< ") {
			continue
		}
		said.WriteString(line)
		if ask, ok := strings.CutPrefix(line, "> "); ok {
			fmt.Fprintf(&said, "< %s\n", times.ReplaceAllString(s.Ask(strings.TrimSuffix(ask, "\n")), "$1 TIME"))
		}
	}
	golden(t, "api.txt", said.String())
}

// times and ids of the record that waits are others in every run.
var times = regexp.MustCompile(`("t":|"id":)("[0-9a-f]{64}"|[0-9.]+)`)

// oddFrames are frames that are no texts, or too large.
func oddFrames(t *testing.T, n *processes.Network) {
	s := wire.Dial(t, n.Nodes[1].Config.Listen.API)
	if err := s.WriteMessage(websocket.BinaryMessage, []byte(`{"op":"pool"}`)); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Receive(), `{"status":400,"error":"The frame is binary: send JSON as a text frame","response":null}`; got != want {
		t.Errorf("binary: got %s, want %s", got, want)
	}
	s.Expect("{\"op\":\"po\xffl\"}", `{"status":400,"error":"The frame is not valid UTF-8: send one object such as {\"op\": \"pool\"}","response":null}`)
	s.Expect(strings.Repeat(" ", 10<<20), `{"status":413,"error":"The frame is too large: at most 4194304 bytes are allowed; send the records in several","response":null}`)
	s.Expect(`{"op":"blocks"}`, `{"status":200,"error":"OK","response":{"blocks":[],"next":0}}`)

	// A frame that never ends is hung up on.
	header := append([]byte{0x81, 0x80 | 127}, binary8(1<<40)...)
	if _, err := s.NetConn().Write(append(header, 0, 0, 0, 0)); err != nil {
		t.Fatal(err)
	}
	go func() {
		for piece := make([]byte, 1<<20); ; {
			if _, err := s.NetConn().Write(piece); err != nil {
				return
			}
		}
	}()
	s.SetReadDeadline(time.Now().Add(await.Patience))
	_, _, err := s.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("a frame without end: %v", err)
	}
}

func binary8(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func tooManyRecords(t *testing.T, n *processes.Network) {
	s := wire.Dial(t, n.Nodes[2].Config.Listen.API)
	from := strings.Index(mint, `{"sender"`)
	one := mint[from:strings.Index(mint, `]}}`)]
	got := s.Ask(mint[:from] + strings.Repeat(one+",", message.MaxMergeRecords) + one + `]}}`)
	if want := `{"status":413,"error":"A merge takes at most 10000 records: send the rest in another","response":null}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// many is how many connections a rude client opens.
const many = 100

// dialMany opens connections, says the beginning of something on each, and
// leaves them so for the length of the test.
func dialMany(t *testing.T, address, beginning string) {
	t.Helper()
	for range many {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, beginning); err != nil {
			t.Fatal(err)
		}
	}
}

func halfOpenAPI(t *testing.T, n *processes.Network) {
	at := n.Nodes[1].Config.Listen.API
	dialMany(t, at, "")
	dialMany(t, at, "GET /ws HTTP/1.1\r\nHost: ")
	for range many {
		// A frame of which only the header comes.
		s := wire.Dial(t, at)
		if _, err := s.NetConn().Write([]byte{0x81, 0x80 | 100, 1, 2, 3, 4, '{'}); err != nil {
			t.Fatal(err)
		}
	}
	wire.Dial(t, at).Expect(`{"op":"blocks"}`, `{"status":200,"error":"OK","response":{"blocks":[],"next":0}}`)
}

// slowReader asks and asks, and never reads an answer, until it is hung up on.
// Another client of that node is served meanwhile.
func slowReader(t *testing.T, n *processes.Network) {
	at := n.Nodes[3].Config.Listen.API
	other := wire.Dial(t, at)
	var wg sync.WaitGroup
	for range 3 {
		s := wire.Dial(t, at)
		s.SetWriteDeadline(time.Now().Add(await.Patience))
		wg.Go(func() {
			var err error
			for err == nil {
				err = s.WriteMessage(websocket.TextMessage, []byte(`{"op":"fairness"}`))
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("after %v the node still waits for a client that does not read", await.Patience)
			}
		})
	}
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		wg.Wait()
	}()
	for {
		other.Expect(`{"op":"blocks"}`, `{"status":200,"error":"OK","response":{"blocks":[],"next":0}}`)
		select {
		case <-hungUp:
			return
		case <-time.After(100 * time.Millisecond): // as often as a person would ask
		}
	}
}

// exchange sends bytes and returns what comes back until the other end hangs up.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(await.Patience))
	// Who has heard enough may hang up before it has heard all.
	_, _ = io.WriteString(c, text)
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("after %q: %v", answer, err)
	}
	return string(answer)
}

// noHTTP is what is not HTTP, or too much of it, at a port of HTTP.
func noHTTP(t *testing.T, n *processes.Network) { garbageHTTP(t, n.Nodes[2].Config.Listen.API) }

func metricsGarbage(t *testing.T, n *processes.Network) {
	at := n.Nodes[2].Config.Listen.Metrics
	garbageHTTP(t, at)
	dialMany(t, at, "GET /metrics HT")
	if got := exchange(t, at, "GET /metrics HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 200 OK") || !strings.Contains(got, "posnet_height 0") {
		t.Errorf("the metrics are %.300s", got)
	}
	if got := exchange(t, at, "POST /metrics HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 405 Method Not Allowed") {
		t.Errorf("to a POST the answer is %.300s", got)
	}
}

func garbageHTTP(t *testing.T, at string) {
	t.Helper()
	for _, text := range []string{"hello\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", "GET\r\n\r\n"} {
		if got := exchange(t, at, text); !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request") {
			t.Errorf("to %q the answer is %q", text, got)
		}
	}
	large := "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"
	if got := exchange(t, at, large); !strings.HasPrefix(got, "HTTP/1.1 431 Request Header Fields Too Large") {
		t.Errorf("to a megabyte of header the answer is %.300q", got)
	}
}
