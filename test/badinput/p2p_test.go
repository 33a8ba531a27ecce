package badinput_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

// The wire between validators, as package p2p describes it, written down once
// more: hellos, proofs and batches by hand.
const (
	voteLink = 1
	bulkLink = 2
	lastKind = 11
)

type hello struct {
	version   uint32
	network   types.Hash
	key       types.PublicKey
	link      byte
	challenge [32]byte
	name      string
}

func (h hello) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, h.version)
	b = append(append(b, h.network[:]...), h.key[:]...)
	b = append(append(b, h.link), h.challenge[:]...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(h.name))), h.name...)
}

// proof is what the dialer signs.
func proof(key types.PrivateKey, mine, theirs []byte) []byte {
	b := append([]byte("posnet/link/v1"), 1)
	for _, one := range [][]byte{mine, theirs} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(one))), one...)
	}
	s := key.Sign(b)
	return s[:]
}

// entry is one message of a batch.
func entry(kind byte, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(payload))), payload...)
}

// caller is one end of a link that speaks by hand.
type caller struct {
	*websocket.Conn
	t *testing.T
}

func call(t *testing.T, address string) *caller {
	t.Helper()
	ws, _, err := (&websocket.Dialer{HandshakeTimeout: await.Patience}).Dial("ws://"+address+"/p2p", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	ws.SetReadDeadline(time.Now().Add(await.Patience))
	return &caller{ws, t}
}

func (c *caller) send(data []byte) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.BinaryMessage, data); err != nil {
		c.t.Fatal(err)
	}
}

// refused returns why the other end hung up, having said at most so many messages.
func (c *caller) refused(messages int) string {
	c.t.Helper()
	for range messages + 1 {
		if _, _, err := c.ReadMessage(); err != nil {
			var closed *websocket.CloseError
			if !errors.As(err, &closed) {
				return "hung up without a word: " + err.Error()
			}
			return fmt.Sprintf("%d: %s", closed.Code, closed.Text)
		}
	}
	return "goes on"
}

// prove takes a handshake to its end.
func (c *caller) prove(h hello, key types.PrivateKey) {
	c.t.Helper()
	c.send(h.encode())
	_, theirs, err := c.ReadMessage()
	if err != nil {
		c.t.Fatalf("the hello is refused: %v", err)
	}
	c.send(proof(key, h.encode(), theirs))
	if _, _, err := c.ReadMessage(); err != nil {
		c.t.Fatalf("the proof is refused: %v", err)
	}
}

// p2pGarbage is who speaks no handshake, or one that proves nothing.
func p2pGarbage(t *testing.T, n *processes.Network) {
	alice, at := seededKeys("alice").Sign, n.Nodes[0].Config.Listen.P2P
	bob, mallory := seededKeys("bob").Sign, seed("mallory")
	good := hello{version: 1, network: n.Genesis.Network(), key: bob.Public(), link: voteLink, name: "bob"}
	with := func(change func(*hello)) []byte {
		h := good
		change(&h)
		return h.encode()
	}
	if got := exchange(t, at, "GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 404 Not Found") || !strings.HasSuffix(got, "this port is for links between validators, by websocket at /p2p\n") {
		t.Errorf("to a browser the answer is %q", got)
	}
	if got := exchange(t, at, "hello\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request") {
		t.Errorf("to no HTTP the answer is %q", got)
	}
	for name, test := range map[string]struct {
		say  []byte
		want string
	}{
		"noise":              {[]byte("\x00\x00\x00\x01hello"), "1008: the hello cannot be read: "},
		"too long":           {make([]byte, 300), "1009: the hello has at most "},
		"another version":    {with(func(h *hello) { h.version = 7 }), "1008: protocol version 1 here, you speak 7"},
		"another network":    {with(func(h *hello) { h.network = types.SumHash([]byte("x")) }), "1008: network " + good.network.Short() + " here, you are of " + types.SumHash([]byte("x")).Short()},
		"the node's own key": {with(func(h *hello) { h.key = alice.Public() }), "1008: key " + alice.Public().Short() + " is my own"},
		"a stranger's key":   {with(func(h *hello) { h.key = mallory.Public() }), "1008: key " + mallory.Public().Short() + " is neither a validator of this network nor a peer in the config here"},
		"another link":       {with(func(h *hello) { h.link = 9 }), "1008: link kind 9 is not what is wanted"},
		"an endless name":    {with(func(h *hello) { h.name = strings.Repeat("x", 64) }), "1009: the hello has at most "},
		"a forged proof":     {nil, "1008: the proof is not a signature of key " + bob.Public().Short() + " over this handshake"},
	} {
		c := call(t, at)
		if test.say == nil {
			c.send(good.encode())
			_, theirs, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			c.send(proof(mallory, good.encode(), theirs))
		} else {
			c.send(test.say)
		}
		if got := c.refused(0); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: the answer is %q, want %q", name, got, test.want)
		}
	}
	c := call(t, at)
	if err := c.WriteMessage(websocket.TextMessage, good.encode()); err != nil {
		t.Fatal(err)
	}
	if got := c.refused(0); !strings.HasPrefix(got, "1008: a text message came") {
		t.Errorf("to a text the answer is %q", got)
	}
}

// halfOpenP2P is who connects and then says nothing, or only half of it.
func halfOpenP2P(t *testing.T, n *processes.Network) {
	at := n.Nodes[1].Config.Listen.P2P
	dialMany(t, at, "GET /p2p HTTP/1.1\r\n")
	silent, half := call(t, at), call(t, at)
	half.send(hello{version: 1, network: n.Genesis.Network(), key: seededKeys("dave").Sign.Public(), link: voteLink, name: "dave"}.encode())
	if got := silent.refused(0); !strings.HasPrefix(got, "1008: the hello did not come within ") {
		t.Errorf("to silence the answer is %q", got)
	}
	if got := half.refused(1); !strings.HasPrefix(got, "1008: the proof did not come within ") {
		t.Errorf("to silence after the hello the answer is %q", got)
	}
}

// p2pStrangers are whole nodes that do not belong here. They run, say what is
// wrong, and are no part of the network.
func p2pStrangers(t *testing.T, n *processes.Network) {
	alice := n.Nodes[0]
	peer := config.Peer{Name: "alice", Key: seededKeys("alice").Sign.Public(), Address: alice.Config.Listen.P2P}
	for _, test := range []struct {
		name    string
		genesis func(t *testing.T, p *processes.Process)
		peer    func(*config.Peer)
		want    string
	}{
		{
			"othernet", func(t *testing.T, p *processes.Process) {
				other := *n.Genesis
				other.Name = "other"
				p.Genesis = filepath.Join(p.Dir, "genesis.json")
				if err := os.WriteFile(p.Genesis, other.Encode(), 0o600); err != nil {
					t.Fatal(err)
				}
			}, nil,
			"network " + n.Genesis.Network().Short() + " here, you are of ",
		},
		{
			"stranger", nil, nil,
			"key " + seededKeys("stranger").Sign.Public().Short() + " is neither a validator of this network nor a peer in the config here",
		},
	} {
		c := *alice.Config
		own := n.Ports.Next(n.Design)
		c.Name, c.Key, c.Listen, c.Peers = test.name, seededKeys(test.name).Sign.Public(), own.Listen, []config.Peer{peer}
		p, err := n.Add(&c, seededKeys(test.name))
		if err != nil {
			t.Fatal(err)
		}
		if test.genesis != nil {
			test.genesis(t, p)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		awaitLog(t, p, "peer not linked", "the peer says: "+test.want)
		awaitLog(t, alice, "connection refused", test.want)
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// awaitLog waits until a node's log has a line whose reason begins like this.
func awaitLog(t *testing.T, p *processes.Process, message, why string) {
	t.Helper()
	await.True(t, fmt.Sprintf("the log of %s says %q, %q", p.Name, message, why), func() error {
		text, err := os.ReadFile(p.LogFile())
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			var fields struct{ Msg, Why string }
			if json.Unmarshal([]byte(line), &fields) == nil && fields.Msg == message && strings.HasPrefix(fields.Why, why) {
				return nil
			}
		}
		return fmt.Errorf("it says %s", text)
	})
}

// A validator that has gone mad says all sorts of things on its links. The
// others complain, lose the link at the worst, and go on; and the validator is
// welcome again when it has come to its senses.
func TestMadValidator(t *testing.T) {
	t.Parallel()
	n := write(t, t.TempDir(), "alice", "bob", "carol", "dave")
	begin(t, n)
	mintBlock(t, n.Nodes[0])
	mad := n.Nodes[3]
	if err := mad.Stop(); err != nil {
		t.Fatal(err)
	}
	key := seededKeys("dave").Sign
	random := rand.New(rand.NewChaCha8([32]byte(types.SumHash([]byte("mad")))))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	at := n.Nodes[0].Config.Listen.P2P
	for _, link := range []byte{voteLink, bulkLink} {
		for kind := byte(0); kind <= lastKind+1; kind++ {
			for _, batch := range [][]byte{
				entry(kind, nil), entry(kind, noise(1)), entry(kind, noise(200)), entry(kind, noise(5000)),
				entry(kind, make([]byte, 200)), entry(kind, noise(1<<20)),
				append(entry(kind, noise(10)), 1, 2), binary.BigEndian.AppendUint32([]byte{kind}, 1<<31),
			} {
				c := call(t, at)
				c.prove(hello{version: 1, network: n.Genesis.Network(), key: key.Public(), link: link, name: "dave"}, key)
				_ = c.WriteMessage(websocket.BinaryMessage, batch) // the node may have heard enough before the end
				c.Close()
			}
		}
	}
	for _, p := range n.Nodes[:3] {
		if err := p.Died(); err != nil {
			t.Fatal(err)
		}
	}
	mintBlock(t, n.Nodes[0])
	expectsAnother(t, mad)
	if err := mad.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	if err := n.AwaitLinked(ctx); err != nil {
		t.Fatal(err)
	}
	mintBlock(t, mad)
	for _, p := range n.Nodes {
		err := p.Await(ctx, func(s message.Status) error {
			if s.Height != 3 || s.Evidence != 0 {
				return fmt.Errorf("its status is %+v", s)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// expectsAnother starts a node that expects another key at a peer's address,
// until it has said so.
func expectsAnother(t *testing.T, p *processes.Process) {
	t.Helper()
	wrong := *p.Config
	wrong.Peers = slices.Clone(wrong.Peers)
	real := wrong.Peers[0].Key
	wrong.Peers[0].Key = seed("mallory").Public()
	if err := os.WriteFile(p.ConfigFile, wrong.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, p, "peer not linked", "key "+wrong.Peers[0].Key.Short()+" is expected at this address, yours is "+real.Short())
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(p.ConfigFile, p.Config.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
}
