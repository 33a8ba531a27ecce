package p2p

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// refusals is the table of what the other end may do wrong, from either role.
// The node is key 0; the other end is allowed as key 1.
var refusals = []struct {
	name   string
	change func(h *hello)                                      // of the hello
	raw    []byte                                              // in place of the hello
	text   bool                                                // sent as a text message
	proof  func(mine, theirs []byte, own role) types.Signature // in place of the right one
	want   string
	code   int
}{
	{name: "version", change: func(h *hello) { h.Version = 2 }, want: "protocol version 1 here, you speak 2"},
	{name: "a later version's hello", raw: []byte{0, 0, 0, 9, 1, 2, 3}, want: "protocol version 1 here, you speak 9"},
	{name: "network", change: func(h *hello) { h.Network = types.Hash{0xab, 0xcd, 0xef, 0x01} }, want: "network " + testNetwork.Short() + " here, you are of abcdef01"},
	{name: "own key", change: func(h *hello) { h.Key = testKey(0).Public() }, want: "key " + testKey(0).Public().Short() + " is my own"},
	{name: "link kind", change: func(h *hello) { h.Link = 3 }, want: "link kind 3 is not what is wanted"},
	{name: "link kind zero", change: func(h *hello) { h.Link = 0 }, want: "link kind 0 is not what is wanted"},
	{name: "name with controls", change: func(h *hello) { h.Name = "\x1b[2J" }, want: "must be printable text"},
	{name: "name not UTF-8", change: func(h *hello) { h.Name = "\xff" }, want: "must be printable text"},
	{name: "empty hello", raw: []byte{}, want: "the hello cannot be read: the encoding ends early"},
	{name: "truncated hello", raw: rawHello(1).encode()[:100], want: "the hello cannot be read: the encoding ends early"},
	{name: "hello with a tail", raw: append(rawHello(1).encode(), 0), want: "the hello cannot be read: 1 bytes are left over"},
	{name: "hello with a lying name", raw: append(rawHello(1).encode()[:101], 0xff, 0xff, 0xff, 0xff), want: "a byte string of 4294967295 bytes: at most 63 are allowed"},
	{name: "text", text: true, want: "a text message came: the hello must be a binary message"},
	{name: "10 MB hello", raw: make([]byte, 10<<20), want: "the hello has at most 168 bytes, more came", code: websocket.CloseMessageTooBig},
	{name: "somebody else's signature", want: "the proof is not a signature of key",
		proof: func(mine, theirs []byte, own role) types.Signature {
			return testKey(2).Sign(proofBytes(own, inOrder(own, mine, theirs)[0], inOrder(own, mine, theirs)[1]))
		}},
	{name: "the other role's signature", want: "the proof is not a signature of key",
		proof: func(mine, theirs []byte, own role) types.Signature {
			both := inOrder(own, mine, theirs)
			return testKey(1).Sign(proofBytes(dialer+listener-own, both[0], both[1]))
		}},
	{name: "a signature over an old challenge", want: "the proof is not a signature of key",
		proof: func(mine, theirs []byte, own role) types.Signature {
			old, err := decodeHello(theirs)
			if err != nil {
				panic(err)
			}
			old.Challenge[0]++
			both := inOrder(own, mine, old.encode())
			return testKey(1).Sign(proofBytes(own, both[0], both[1]))
		}},
	{name: "no signature", want: "the proof is not a signature of key",
		proof: func(mine, theirs []byte, own role) types.Signature { return types.Signature{} }},
}

// inOrder puts the dialer's hello before the listener's.
func inOrder(own role, mine, theirs []byte) [2][]byte {
	if own == dialer {
		return [2][]byte{mine, theirs}
	}
	return [2][]byte{theirs, mine}
}

// misbehave speaks on r as own, as the table's row says, up to where the node
// refuses, and returns the close frame. theirs is the dialer's hello if own is
// the listener.
func misbehave(r *rawEnd, row int, own role, theirs []byte) *websocket.CloseError {
	c := refusals[row]
	h := rawHello(1)
	if c.change != nil {
		c.change(h)
	}
	mine := h.encode()
	if c.raw != nil {
		mine = c.raw
	}
	kind := websocket.BinaryMessage
	if c.text {
		kind = websocket.TextMessage
	}
	r.WriteMessage(kind, mine) // a large one may be cut off
	if c.proof == nil {
		_, closed := r.receive()
		return closed
	}
	message, closed := r.receive() // the hello, or the dialer's proof
	if closed != nil {
		return closed
	}
	if own == dialer {
		theirs = message
	}
	proof := c.proof(mine, theirs, own)
	r.send(proof[:])
	_, closed = r.receive()
	return closed
}

func checkRefusal(t *testing.T, row int, closed *websocket.CloseError) {
	t.Helper()
	c := refusals[row]
	if c.code == 0 {
		c.code = websocket.ClosePolicyViolation
	}
	if closed == nil || closed.Code != c.code || !strings.Contains(closed.Text, c.want) {
		t.Errorf("the other end is told %v, want code %d and %q", closed, c.code, c.want)
	}
}

func TestListenerRefuses(t *testing.T) {
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(0, 1) }) // its own key is a validator's, too
	node.Start()
	for row, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			checkRefusal(t, row, misbehave(dialRaw(t, node.Addr()), row, dialer, nil))
			eventually(t, "the log says so", func() bool { return strings.Contains(node.logs.String(), c.want) })
		})
	}
	if got := node.Peers(); len(got) != 0 {
		t.Errorf("there is a peer: %+v", got)
	}
	eventually(t, "refusals are counted", func() bool {
		return node.metric(t, "posnet_p2p_refusals_total") == float64(len(refusals))
	})
	dialRaw(t, node.Addr()).prove(1, VoteLink) // and the right peer is welcome
}

func TestDialerRefuses(t *testing.T) {
	for row, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			other := newRawListener(t)
			node := newNode(t, 0, func(c *Config) {
				c.Peers = []Peer{peerOf(1, other.Listener.Addr())}
				c.Allowed = allow(0, 1)
			})
			node.Start()
			end, theirs := other.next(t, VoteLink)
			checkRefusal(t, row, misbehave(end, row, listener, theirs))
			eventually(t, "the peer's problem says so", func() bool {
				return strings.Contains(node.Peers()[0].Problem, c.want)
			})
			node.Close()
		})
	}
}

func TestUnknownAndUnexpectedKeysAreRefused(t *testing.T) {
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	node.Start()
	r := dialRaw(t, node.Addr())
	r.send(rawHello(5).encode())
	if _, closed := r.receive(); closed == nil || !strings.Contains(closed.Text, "key "+testKey(5).Public().Short()+" is neither a validator of this network") {
		t.Errorf("an unknown validator is told %v", closed)
	}

	// Key 2 is a validator, but answers where key 1 is expected.
	other := newRawListener(t)
	dialing := newNode(t, 0, func(c *Config) {
		c.Peers = []Peer{peerOf(1, other.Listener.Addr())}
		c.Allowed = allow(1, 2)
	})
	dialing.Start()
	end, _ := other.next(t, VoteLink)
	end.send(rawHello(2).encode())
	want := "key " + testKey(1).Public().Short() + " is expected at this address, yours is " + testKey(2).Public().Short()
	if _, closed := end.receive(); closed == nil || closed.Text != want {
		t.Errorf("the wrong peer is told %v, want %q", closed, want)
	}
	eventually(t, "a warning is logged", func() bool { return strings.Contains(dialing.logs.String(), want) })
}

// TestBothEndsLearnWhy: two real nodes that cannot agree both say so.
func TestBothEndsLearnWhy(t *testing.T) {
	nodes := newNetwork(t, 2, func(n int, c *Config) {
		if n == 1 {
			c.Network = types.Hash{1, 2, 3, 4}
		}
	})
	for i, node := range nodes {
		eventually(t, "the problem is shown", func() bool {
			return strings.Contains(node.Peers()[0].Problem, "here, you are of")
		})
		eventually(t, "and logged", func() bool { return strings.Contains(node.logs.String(), "level=WARN") })
		if got := node.eventsOf(nodes[1-i].key); got != "" {
			t.Errorf("node-%d was told %q", i, got)
		}
	}
}

// TestReplay: what a validator once said opens no second connection.
func TestReplay(t *testing.T) {
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	node.Start()

	honest := dialRaw(t, node.Addr())
	mine := rawHello(1).encode()
	honest.send(mine)
	theirs, _ := honest.receive()
	proof := testKey(1).Sign(proofBytes(dialer, mine, theirs))
	honest.send(proof[:])
	if _, closed := honest.receive(); closed != nil {
		t.Fatal(closed)
	}

	thief := dialRaw(t, node.Addr())
	thief.send(mine)
	again, _ := thief.receive()
	if bytes.Equal(again, theirs) {
		t.Fatal("the node challenged twice with the same bytes")
	}
	thief.send(proof[:])
	if _, closed := thief.receive(); closed == nil || !strings.Contains(closed.Text, "the proof is not a signature") {
		t.Errorf("a replayed handshake is told %v", closed)
	}
	if l := node.current(testKey(1).Public(), VoteLink); l == nil || l.isDead() {
		t.Error("the honest link was lost to a replay")
	}
}

// TestReflection: a peer that sends a node its own words back proves nothing.
func TestReflection(t *testing.T) {
	other := newRawListener(t)
	node := newNode(t, 0, func(c *Config) { c.Peers = []Peer{peerOf(1, other.Listener.Addr())} })
	node.Start()
	end, theirs := other.next(t, VoteLink)
	end.send(theirs)
	if _, closed := end.receive(); closed == nil || !strings.Contains(closed.Text, "is my own") {
		t.Errorf("a mirror is told %v", closed)
	}
}

// TestProofBytesAsDocumented spells the signed bytes out, as a client in
// another language would.
func TestProofBytesAsDocumented(t *testing.T) {
	d, l := &hello{Version: 1, Link: BulkLink, Name: "ann"}, &hello{Version: 1, Link: BulkLink}
	d.Network[0], d.Key[0], d.Challenge[0] = 0xa1, 0xa2, 0xa3
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	hello := "\x00\x00\x00\x01" + "\xa1" + zeros(31) + "\xa2" + zeros(31) + "\x02" + "\xa3" + zeros(31) + "\x00\x00\x00\x03ann"
	if got := string(d.encode()); got != hello {
		t.Errorf("the hello is\n%q, want\n%q", got, hello)
	}
	other := "\x00\x00\x00\x01" + zeros(64) + "\x02" + zeros(32) + zeros(4)
	want := "posnet/link/v1" + "\x01" + "\x00\x00\x00\x6c" + hello + "\x00\x00\x00\x69" + other
	if got := string(proofBytes(dialer, d.encode(), l.encode())); got != want {
		t.Errorf("what is signed is\n%q, want\n%q", got, want)
	}
}

func FuzzHello(f *testing.F) {
	f.Add(rawHello(1).encode())
	f.Add([]byte{0, 0, 0, 2})
	f.Add([]byte{})
	for _, c := range refusals {
		if len(c.raw) < 1000 {
			f.Add(c.raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h *hello
		var err error
		fuzzed.Memory(t, len(raw), func() { h, err = decodeHello(raw) })
		fuzzed.Sentence(t, err)
		if err != nil || h.Version != protocolVersion {
			return
		}
		if again := h.encode(); !bytes.Equal(again, raw) {
			t.Errorf("read from %x, written as %x: the encoding is not canonical", raw, again)
		}
		if len(raw) > maxHelloBytes {
			t.Errorf("a hello of %d bytes is taken", len(raw))
		}
	})
}
