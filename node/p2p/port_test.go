package p2p

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func dialTCP(t *testing.T, address net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestGarbageOnThePort: whatever comes to the port gets an answer or is cut
// off, and the links that are up never notice.
func TestGarbageOnThePort(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	address := nodes[0].Addr()
	before := nodes[1].eventsOf(nodes[0].key)
	seed := rand.Uint64()
	random := make([]byte, 10<<20)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(random)
	for _, c := range []struct {
		name, sent, want string
	}{
		{"GET /", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"},
		{"GET /p2p", "GET /p2p HTTP/1.1\r\nHost: x\r\n\r\n", "this port is for links between validators, by websocket at /p2p"},
		{"half a websocket request", "GET /p2p HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "400 Bad Request"},
		{"POST of 10 MB", "POST /p2p HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n" + string(random), "404 Not Found"},
		{"a header without end", "GET /p2p HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20), "431 Request Header Fields Too Large"},
		{"not HTTP", "Enter token balance: 100\n", "400 Bad Request"},
		{"zeros", strings.Repeat("\x00", 10<<20), ""},
		{"random bytes", string(random), ""},
	} {
		conn := dialTCP(t, address)
		conn.SetDeadline(time.Now().Add(patience))
		go conn.Write([]byte(c.sent)) // is cut off when the node has had enough
		answer, err := io.ReadAll(conn)
		if !strings.Contains(string(answer), c.want) {
			t.Errorf("%s (seed %d): the answer is %q (%v), want %q in it", c.name, seed, answer, err, c.want)
		}
	}
	if _, response, err := websocket.DefaultDialer.Dial("ws://"+address.String()+"/ws", nil); err == nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("a websocket elsewhere than at %s: %v", path, err)
	}
	nodes[1].Send(nodes[0].key, KindVote, []byte("still here"))
	eventually(t, "a vote", func() bool { return nodes[0].count() == 1 })
	if after := nodes[1].eventsOf(nodes[0].key); after != before {
		t.Errorf("the links were disturbed: %q, before %q", after, before)
	}
}

// TestAuthenticatedGarbage: a validator that breaks the rules is told, loses its
// link, and nobody else does.
func TestAuthenticatedGarbage(t *testing.T) {
	times := standardTiming
	times.silence = time.Minute // the other peer does not answer while the first is dealt with
	node := newTimedNode(t, times, 0, func(c *Config) { c.Allowed = allow(1, 2) })
	node.Start()
	good := dialRaw(t, node.Addr())
	good.prove(2, VoteLink)
	entry := func(kind Kind, size int, data []byte) []byte {
		return append([]byte{byte(kind), byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, data...)
	}
	small := entry(KindVote, 4, []byte("vote"))
	for _, c := range []struct {
		name    string
		link    LinkKind
		message []byte
		text    bool
		code    int
		want    string
	}{
		{"unknown kind", VoteLink, entry(99, 0, nil), false, websocket.ClosePolicyViolation, "kind 99 came on the vote link"},
		{"kind 0", BulkLink, entry(0, 0, nil), false, websocket.ClosePolicyViolation, "kind 0 came on the bulk link"},
		{"records on the vote link", VoteLink, entry(KindRecords, 1, []byte{1}), false, websocket.ClosePolicyViolation, "records came on the vote link"},
		{"a vote on the bulk link", BulkLink, entry(KindVote, 1, []byte{1}), false, websocket.ClosePolicyViolation, "vote came on the bulk link"},
		{"10 MB vote", VoteLink, entry(KindVote, 10<<20, make([]byte, 10<<20)), false, websocket.CloseMessageTooBig, "vote of 10485760 bytes: at most 1024 are allowed"},
		{"a lying length", BulkLink, entry(KindBlocksFound, 1<<32-1, nil), false, websocket.CloseMessageTooBig, "blocksFound of 4294967295 bytes: at most"},
		{"text", VoteLink, small, true, websocket.ClosePolicyViolation, "a text message came"},
		{"half a head", VoteLink, append(bytes.Clone(small), byte(KindVote), 0, 0), false, websocket.ClosePolicyViolation, "a batch ends within a message"},
		{"a head alone", VoteLink, entry(KindVote, 4, nil), false, websocket.ClosePolicyViolation, "a batch ends within a message"},
		{"half a payload", VoteLink, entry(KindVote, 4, []byte("vo")), false, websocket.ClosePolicyViolation, "a batch ends within a message"},
	} {
		bad := dialRaw(t, node.Addr())
		bad.prove(1, c.link)
		kind := websocket.BinaryMessage
		if c.text {
			kind = websocket.TextMessage
		}
		bad.WriteMessage(kind, c.message) // a large one may be cut off
		_, closed := bad.receive()
		if closed == nil || closed.Code != c.code || !strings.Contains(closed.Text, c.want) {
			t.Errorf("%s: the other end is told %v, want %q", c.name, closed, c.want)
		}
		eventually(t, "the log says so", func() bool { return strings.Contains(node.logs.String(), c.want) })
		eventually(t, "the place is free", func() bool { return node.current(testKey(1).Public(), c.link) == nil })
	}
	whole := 0
	for _, m := range node.all() {
		if string(m.payload) != "vote" {
			t.Errorf("a broken message was delivered: %v %q", m.kind, m.payload)
		}
		whole++
	}
	if whole != 1 {
		t.Errorf("%d whole messages were delivered, want the 1 before half a head", whole)
	}
	good.send(append(bytes.Clone(small), small...))
	eventually(t, "the other peer's votes", func() bool { return node.count() == whole+2 })
}

// hasty has a node run out of patience with a handshake soon.
var hasty = timing{handshake: 250 * time.Millisecond, heartbeat: standardTiming.heartbeat, silence: standardTiming.silence, write: standardTiming.write}

// TestTooManyStrangers: connections that never prove themselves are bounded, and
// make way in time.
func TestTooManyStrangers(t *testing.T) {
	node := newTimedNode(t, hasty, 0, func(c *Config) { c.Allowed = allow(1) })
	node.Start()
	friend := newNode(t, 1, func(c *Config) { c.Peers = []Peer{peerOf(0, node.Addr())} })
	friend.Start()
	allUp(t, []*testNode{node, friend})
	before := friend.eventsOf(node.key)

	refused := func() bool { return strings.Contains(node.logs.String(), "too many connections wait to prove a key") }
	var strangers []net.Conn
	for !refused() { // the first ones may be gone already when the last ones come
		if len(strangers) > 10*maxPendingPerHost {
			t.Fatalf("%d connections were let in", len(strangers))
		}
		strangers = append(strangers, dialTCP(t, node.Addr()))
	}
	if len(strangers) < maxPendingPerHost {
		t.Errorf("only %d connections were let in", len(strangers))
	}
	friend.Send(node.key, KindVote, nil)
	eventually(t, "a vote among strangers", func() bool { return node.count() == 1 })
	for i, c := range strangers {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := io.ReadAll(c); isTimeout(err) {
			t.Fatalf("stranger %d is still there", i)
		}
	}
	dialRaw(t, node.Addr())
	if after := friend.eventsOf(node.key); after != before {
		t.Errorf("the links were disturbed: %q, before %q", after, before)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// TestSlowHandshakes: whoever stops halfway is told so and cut off.
func TestSlowHandshakes(t *testing.T) {
	node := newTimedNode(t, hasty, 0, func(c *Config) { c.Allowed = allow(1) })
	node.Start()
	for _, c := range []struct {
		name  string
		steps func(r *rawEnd)
		want  string
	}{
		{"no hello", func(r *rawEnd) {}, "the hello did not come within 250ms"},
		{"half a hello", func(r *rawEnd) {
			r.NetConn().Write(append([]byte{0x82, 0x80 | 100, 1, 2, 3, 4}, make([]byte, 50)...))
		}, "the hello did not come within 250ms"},
		{"no proof", func(r *rawEnd) {
			r.send(rawHello(1).encode())
			r.receive()
		}, "the proof did not come within 250ms"},
	} {
		r := dialRaw(t, node.Addr())
		c.steps(r)
		if _, closed := r.receive(); closed == nil || closed.Text != c.want {
			t.Errorf("%s: the other end is told %v, want %q", c.name, closed, c.want)
		}
	}

	other := newRawListener(t)
	dialing := newTimedNode(t, hasty, 3, func(c *Config) { c.Peers = []Peer{peerOf(1, other.Listener.Addr())} })
	dialing.Start()
	end, _ := other.next(t, VoteLink)
	if _, closed := end.receive(); closed == nil || closed.Text != "the hello did not come within 250ms" {
		t.Errorf("a silent listener is told %v", closed)
	}

	halfOpen := dialTCP(t, node.Addr())
	fmt.Fprint(halfOpen, "GET /p2p HTTP/1.1\r\nHost: x\r\n")
	halfOpen.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(halfOpen); isTimeout(err) {
		t.Errorf("half a request is held for more than %v", patience)
	}
}
