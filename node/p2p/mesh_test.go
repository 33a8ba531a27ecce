package p2p

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

func TestEveryMessageArrivesInOrderOnItsLink(t *testing.T) {
	nodes := newNetwork(t, 3, nil)
	allUp(t, nodes)
	const perKind = 200
	for i := range perKind {
		for kind := KindProposal; kind <= KindStatus; kind++ {
			nodes[0].Broadcast(kind, fmt.Appendf(nil, "%v %d", kind, i))
		}
	}
	for _, node := range nodes[1:] {
		eventually(t, "all messages", func() bool { return node.count() == perKind*int(KindStatus) })
		next := map[LinkKind]int{}
		var sent [3][]string
		for i := range perKind {
			for kind := KindProposal; kind <= KindStatus; kind++ {
				sent[kind.Link()] = append(sent[kind.Link()], fmt.Sprintf("%v %d", kind, i))
			}
		}
		for _, m := range node.all() {
			link := m.kind.Link()
			if want := sent[link][next[link]]; string(m.payload) != want || m.from != nodes[0].key {
				t.Fatalf("%v link: message %d is %q from %v, want %q", link, next[link], m.payload, m.from.Short(), want)
			}
			next[link]++
		}
		if got := node.metric(t, "posnet_p2p_messages_total", "vote", "received"); got != 5*perKind {
			t.Errorf("%v votes and the like counted, want %d", got, 5*perKind)
		}
	}
	wantBytes := 0.0
	for i := range perKind {
		wantBytes += 2 * float64(entryBytes+len(fmt.Sprintf("status %d", i)))
	}
	if got := nodes[0].metric(t, "posnet_p2p_bytes_total", "bulk", "sent"); got < wantBytes {
		t.Errorf("%v bytes counted, want at least the %v of the status messages", got, wantBytes)
	}
}

func TestPeersAndSendTellWhoIsLinked(t *testing.T) {
	stranger := openListener(t)
	nodes := newNetwork(t, 2, func(n int, c *Config) {
		if n == 0 {
			c.Peers = append(c.Peers, peerOf(7, stranger.Addr()))
		}
	})
	stranger.Close()
	allUp(t, nodes)
	absent := testKey(7).Public()
	eventually(t, "the absent peer's problem", func() bool { // who dialed before the port was closed is first told of a reset
		return strings.Contains(nodes[0].Peers()[1].Problem, "refused")
	})

	peers := nodes[0].Peers()
	if p := peers[0]; !p.Up() || p.Name != "node-1" || p.Key != nodes[1].key || p.Since.IsZero() || p.Problem != "" {
		t.Errorf("the linked peer is shown as %+v", p)
	}
	if p := peers[1]; p.Up() || p.Vote || p.Bulk {
		t.Errorf("the absent peer is shown as %+v", p)
	}
	for _, c := range []struct {
		what string
		to   types.PublicKey
		kind Kind
		size int
		want bool
	}{
		{"a vote to a linked peer", nodes[1].key, KindVote, 10, true},
		{"the largest vote", nodes[1].key, KindVote, KindVote.MaxBytes(), true},
		{"an empty message", nodes[1].key, KindStatus, 0, true},
		{"a vote that is too large", nodes[1].key, KindVote, KindVote.MaxBytes() + 1, false},
		{"an unknown kind", nodes[1].key, Kind(99), 10, false},
		{"kind 0", nodes[1].key, Kind(0), 10, false},
		{"a vote to an absent peer", absent, KindVote, 10, false},
		{"a vote to nobody", types.PublicKey{}, KindVote, 10, false},
		{"a vote to itself", nodes[0].key, KindVote, 10, false},
	} {
		if got := nodes[0].Send(c.to, c.kind, make([]byte, c.size)); got != c.want {
			t.Errorf("%s: Send says %v, want %v", c.what, got, c.want)
		}
	}
	eventually(t, "the three good messages", func() bool { return nodes[1].count() == 3 })
	if !nodes[0].isUp(nodes[1].key) {
		t.Error("a message that is not sent cost the link")
	}
}

func TestCloseTellsBothSides(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	began := time.Now()
	nodes[0].Close()
	nodes[0].Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	if got := nodes[0].eventsOf(nodes[1].key); !strings.HasSuffix(got, "up down") {
		t.Errorf("the closing side was told %q", got)
	}
	eventually(t, "the peer is told", func() bool { return strings.HasSuffix(nodes[1].eventsOf(nodes[0].key), "up down") })
	eventually(t, "the peer knows why", func() bool { return strings.Contains(nodes[1].logs.String(), "this node stops") })
	if nodes[0].Send(nodes[1].key, KindVote, nil) {
		t.Error("a closed mesh takes a message")
	}
	if strings.Contains(nodes[1].logs.String(), "level=WARN") {
		t.Errorf("a peer that stops is complained of:\n%s", nodes[1].logs)
	}
}

func TestCloseWithoutStart(t *testing.T) {
	node := newNode(t, 0, nil)
	address := node.Addr().String()
	node.Close()
	node.Start()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	taken := openListener(t)
	defer taken.Close()
	good := func() Config {
		return Config{Key: testKey(0), Network: testNetwork, Name: "n", Listen: "127.0.0.1:0", Handler: &recorder{}}
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"port in use", func(c *Config) { c.Listen = taken.Addr().String() }, taken.Addr().String() + " is in use by another program: stop that, or set listen.p2p to a free port"},
		{"no port", func(c *Config) { c.Listen = "localhost" }, "listen.p2p must be host:port"},
		{"no key", func(c *Config) { c.Key = types.PrivateKey{} }, "the key is missing"},
		{"no handler", func(c *Config) { c.Handler = nil }, "the handler is missing"},
		{"long name", func(c *Config) { c.Name = strings.Repeat("n", 64) }, "at most 63 bytes"},
		{"unprintable name", func(c *Config) { c.Name = "a\x1bb" }, "printable"},
		{"itself as peer", func(c *Config) { c.Peers = []Peer{peerOf(0, taken.Addr())} }, "peers[0] (node-0): its key is this node's own"},
		{"a peer twice", func(c *Config) { c.Peers = []Peer{peerOf(1, taken.Addr()), peerOf(1, taken.Addr())} }, "peers[1] (node-1): its key is there twice"},
		{"a peer without key", func(c *Config) { c.Peers = []Peer{{Name: "x", Address: "h:1"}} }, "its key is missing"},
		{"a peer without port", func(c *Config) { c.Peers = []Peer{{Name: "x", Key: testKey(1).Public(), Address: "h"}} }, "must be host:port"},
	} {
		config := good()
		c.change(&config)
		mesh, err := New(config)
		if err == nil {
			mesh.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
}

// TestNewcomer: a validator that nobody has in the config dials everyone and is
// taken in, for as long as it is allowed.
func TestNewcomer(t *testing.T) {
	newcomer := testKey(9).Public()
	var mu sync.Mutex
	allowed := true
	nodes := newNetwork(t, 2, func(n int, c *Config) {
		all := map[types.PublicKey]bool{testKey(0).Public(): true, testKey(1).Public(): true}
		c.Allowed = func(k types.PublicKey) bool {
			mu.Lock()
			defer mu.Unlock()
			return all[k] || allowed && k == newcomer
		}
	})
	guest := newNode(t, 9, func(c *Config) {
		c.Peers = []Peer{peerOf(0, nodes[0].Addr()), peerOf(1, nodes[1].Addr())}
	})
	guest.Start()
	allUp(t, append(nodes, guest))
	if got := nodes[0].Peers(); len(got) != 2 || got[1].Key != newcomer || got[1].Name != "node-9" || !got[1].Up() {
		t.Errorf("the newcomer is not among the peers: %+v", got)
	}
	nodes[0].Broadcast(KindVote, []byte("to all"))
	eventually(t, "the newcomer gets a vote", func() bool { return guest.count() == 1 })

	mu.Lock()
	allowed = false
	mu.Unlock()
	for _, node := range nodes {
		eventually(t, "the removed validator is let go", func() bool { return strings.HasSuffix(node.eventsOf(newcomer), "down") })
		eventually(t, "and forgotten", func() bool { return len(node.Peers()) == 1 })
	}
	eventually(t, "it learns why", func() bool {
		return strings.Contains(guest.Peers()[0].Problem, "is neither a validator of this network nor a peer")
	})
	if !nodes[0].isUp(nodes[1].key) {
		t.Error("the others were disturbed")
	}
}

func TestNoDelay(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	nodes := newNetwork(t, 2, func(_ int, c *Config) {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err == nil {
				mu.Lock()
				conns = append(conns, conn)
				mu.Unlock()
			}
			return conn, err
		}
	})
	allUp(t, nodes)
	for _, kind := range linkKinds {
		for i, node := range nodes {
			c := node.current(nodes[1-i].key, kind).ws.NetConn().(*conn).Conn.(*net.TCPConn)
			if !noDelay(t, c) {
				t.Errorf("the %v link of node-%d gathers small messages (TCP_NODELAY is off)", kind, i)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) < 2 {
		t.Errorf("%d connections were dialed by Config.Dial, want at least 2", len(conns))
	}
}
