package p2p

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// patch returns data with some of its bytes changed, and longer where the patch
// is; at most so that nothing of it is left unread when it is refused.
func patch(data, by []byte) []byte {
	const most = 4 << 10
	by = by[:min(len(by), most)]
	out := append(slices.Clone(data), make([]byte, max(0, len(by)-len(data)))...)
	for i := range by {
		out[i] ^= by[i]
	}
	return out
}

// FuzzHandshake speaks to a running node as a validator that it expects, over a
// real connection, with a patch on the hello, one on the proof, and any batch
// behind: the node lets in whom it should and nobody else, delivers what comes
// in whole messages, and says in its close frame what it does not like.
func FuzzHandshake(f *testing.F) {
	node := newNode(f, 0, func(c *Config) {
		c.Allowed = allow(0, 1)
		c.Logger = slog.New(slog.DiscardHandler)
	})
	node.Start()
	vote := []byte{byte(KindVote), 0, 0, 0, 4, 'v', 'o', 't', 'e'}
	f.Add([]byte{}, []byte{}, vote)
	f.Add([]byte{}, []byte{}, append(vote, byte(KindPass), 0, 0, 0, 9))
	f.Add([]byte{}, []byte{}, []byte{byte(KindRecords), 0, 0, 0, 0})
	f.Add([]byte{}, []byte{}, []byte{byte(KindVote), 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{}, []byte{63: 1}, vote)
	f.Add([]byte{}, []byte{64: 0}, vote)
	f.Add([]byte{0, 0, 0, 3}, []byte{}, vote)   // another version
	f.Add([]byte{4: 1}, []byte{}, vote)         // another network
	f.Add([]byte{36: 1}, []byte{}, vote)        // another key
	f.Add([]byte{68: 3}, []byte{}, vote)        // the bulk link
	f.Add([]byte{69: 1}, []byte{}, vote)        // another challenge
	f.Add([]byte{101: 1}, []byte{}, vote)       // a name of another length
	f.Add([]byte{105: 0x80}, []byte{}, vote)    // a name that is no text
	f.Add([]byte{200: 0}, []byte{}, []byte("")) // a hello with a tail
	f.Fuzz(func(t *testing.T, hello, proof, batch []byte) {
		fuzzed.Once(t, linkBytes, func() { shake(t, node, hello, proof, batch) })
	})
}

// linkBytes is what a link may take from the heap until it has proved itself and
// said a few kilobytes, at both ends.
const linkBytes = 1 << 20

// shake is one try of FuzzHandshake.
func shake(t *testing.T, node *testNode, hello, proof, batch []byte) {
	before := node.count()
	end := dialRaw(t, node.Addr())
	defer end.Close()
	mine := patch(rawHello(1).encode(), hello)
	asked, wrong := decodeHello(mine)
	welcome := wrong == nil && node.checkHello(asked, asked.Link, types.PublicKey{}) == nil
	end.send(mine)
	theirs, closed := end.receive()
	if welcome != (closed == nil) {
		t.Fatalf("the hello %x is told %v", mine, closed)
	}
	if closed == nil {
		right := testKey(1).Sign(proofBytes(dialer, mine, theirs))
		signed := patch(right[:], proof)
		end.send(signed)
		_, closed = end.receive()
		if welcome = bytes.Equal(signed, right[:]); welcome != (closed == nil) {
			t.Fatalf("a proof patched with %x is told %v", proof, closed)
		}
	}
	if closed == nil {
		closed = deliver(t, node, end, asked.Link, batch, before)
		eventually(t, "the link's end", func() bool { return node.current(testKey(1).Public(), asked.Link) == nil })
	}
	if closed != nil && (closed.Text == "" || !utf8.ValidString(closed.Text) || len(closed.Text) > maxReasonBytes) {
		t.Errorf("the close frame says %q", closed.Text)
	}
	node.recorder.mu.Lock()
	node.messages, node.events = nil, nil
	node.recorder.mu.Unlock()
}

// deliver sends a batch over a proved link, and checks that the node delivers
// what is whole in it and closes the link if there is more. It ends the link.
func deliver(t *testing.T, node *testNode, end *rawEnd, kind LinkKind, batch []byte, before int) (closed *websocket.CloseError) {
	const most = 4 << 10
	batch = batch[:min(len(batch), most)]
	whole := 0
	reader := &link{kind: kind, metrics: node.metrics[kind]}
	wrong := reader.readBatch(bytes.NewReader(batch), func(Kind, []byte) { whole++ })
	end.send(batch)
	if wrong != nil {
		if _, closed = end.receive(); closed == nil {
			t.Errorf("the batch %x is wrong, %v, and no close frame says so", batch, wrong)
		}
	}
	eventually(t, "what is whole in the batch", func() bool { return node.count() == before+whole })
	end.Close()
	return closed
}

// FuzzPort writes arbitrary bytes to the port that peers dial, before any
// websocket: the node goes on, and an honest peer is welcome after it.
func FuzzPort(f *testing.F) {
	node := newNode(f, 0, func(c *Config) {
		c.Allowed = allow(0, 1)
		c.Logger = slog.New(slog.DiscardHandler)
	})
	node.Start()
	upgrade := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	f.Add([]byte(upgrade))
	f.Add([]byte(upgrade + "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))     // a frame of 2^64 bytes
	f.Add([]byte(upgrade + "\x82\xfe\x00\xa8\x00\x00\x00\x00\x00\x00\x00")) // a hello that ends early
	f.Add([]byte(upgrade + "\x89\xff"))                                     // a control frame that is too long
	f.Add([]byte(upgrade[:60]))
	f.Add([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")) // TLS
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzzed.Within(t, linkBytes, func() {
			c, err := net.Dial("tcp", node.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(raw) // it may be cut off
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20))
			c.Close()
		})
		honest := dialRaw(t, node.Addr())
		honest.prove(1, VoteLink)
		honest.Close()
		eventually(t, "the link's end", func() bool { return node.current(testKey(1).Public(), VoteLink) == nil })
	})
}
