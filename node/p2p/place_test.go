package p2p

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// meeting makes dials of several nodes begin together: each waits, for a
// moment, for the others.
type meeting struct {
	mu      sync.Mutex
	waiting int
	size    int
	open    chan struct{}
}

func (m *meeting) dial(ctx context.Context, address string) (net.Conn, error) {
	m.mu.Lock()
	gate := m.open
	if m.waiting++; m.waiting == m.size {
		close(m.open)
		m.open, m.waiting = make(chan struct{}), 0
	}
	m.mu.Unlock()
	select {
	case <-gate:
	case <-time.After(50 * time.Millisecond):
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// TestBothDialAtOnce: two nodes that dial each other at the same moment end up
// with one link of each kind, the same one on both sides, and neither sees a
// link come and go on the way.
func TestBothDialAtOnce(t *testing.T) {
	for round := range 200 {
		together := &meeting{size: 4, open: make(chan struct{})} // two ends, two links
		nodes := newNetwork(t, 2, func(_ int, c *Config) { c.Dial = together.dial })
		allUp(t, nodes)
		a, b := nodes[0], nodes[1]
		for _, kind := range linkKinds {
			eventually(t, "one link, the same on both sides", func() bool {
				atA, atB := a.current(b.key, kind), b.current(a.key, kind)
				one := a.metric(t, "posnet_p2p_links", kind.String()) == 1 && b.metric(t, "posnet_p2p_links", kind.String()) == 1
				return one && atA != nil && atB != nil && sameConnection(atA, atB)
			})
		}
		for i, node := range nodes {
			if got := node.eventsOf(nodes[1-i].key); got != "up" {
				t.Fatalf("round %d: node-%d was told %q", round, i, got)
			}
			if node.overlap {
				t.Fatalf("round %d: LinkUp and LinkDown ran at once", round)
			}
		}
		a.Send(b.key, KindVote, []byte("vote"))
		b.Send(a.key, KindRecords, []byte("records"))
		eventually(t, "a message each way", func() bool { return a.count() == 1 && b.count() == 1 })
		a.Close()
		b.Close()
		if t.Failed() {
			return
		}
	}
}

func sameConnection(a, b *link) bool {
	return a.ws.LocalAddr().String() == b.ws.RemoteAddr().String() && a.ws.RemoteAddr().String() == b.ws.LocalAddr().String()
}

// attempt is one dial in the model below: how far its handshake is.
type attempt struct {
	dialer int
	step   int
	seen   *link    // what the listener held when it said hello
	ends   [2]*link // what each node made of it
	failed bool
}

// model runs the handshakes of one place of two meshes, without connections, in
// any order that the network may bring about.
type model struct {
	t        *rapid.T
	nodes    [2]*Mesh
	peers    [2]*peer // as the other sees it
	attempts []*attempt
}

func (m *model) held(node int) *link { return m.peers[node].links[VoteLink] }

// running returns the unfinished attempt of a dialer, of which it has one at a time.
func (m *model) running(dialer int) *attempt {
	for _, a := range m.attempts {
		if a.dialer == dialer && !a.failed && a.step < 5 {
			return a
		}
	}
	return nil
}

// begin has a node dial, if it would.
func (m *model) begin(dialer int) {
	if m.running(dialer) == nil && m.held(dialer) == nil && m.nodes[dialer].claim(m.peers[dialer].Key, VoteLink) {
		m.attempts = append(m.attempts, &attempt{dialer: dialer})
	}
}

// lose has a node notice that its link is lost; the other end need not.
func (m *model) lose(node int) {
	if l := m.held(node); l != nil {
		m.drop(node, l)
	}
}

func (m *model) drop(node int, l *link) {
	if !l.isDead() {
		close(l.dead)
		l.reason = errSlow
		m.nodes[node].detach(l)
	}
}

// advance takes an attempt one step further: the listener's hello, the
// dialer's look and proof, the listener's choice, the dialer's.
func (m *model) advance(a *attempt) {
	d, l := a.dialer, 1-a.dialer
	switch a.step {
	case 0:
		a.seen = m.held(l)
	case 1:
		a.failed = m.held(d) != nil
	case 2:
		a.failed = !m.attach(a, l, a.seen)
	case 3:
		a.failed = !m.attach(a, d, nil)
	}
	a.step++
	if a.failed || a.step == 4 {
		a.step = 5
		m.nodes[d].release(m.peers[d].Key, VoteLink)
	}
	if a.failed && a.ends[l] != nil { // the dialer closes, and the listener hears of it
		m.drop(l, a.ends[l])
	}
}

func (m *model) attach(a *attempt, node int, seen *link) bool {
	l := &link{kind: VoteLink, inbound: node != a.dialer, metrics: m.nodes[node].metrics[VoteLink], dead: make(chan struct{}), gone: make(chan struct{})}
	before := m.held(node)
	if !m.nodes[node].attach(l, m.peers[node].Key, "", seen) {
		return false
	}
	a.ends[node] = l
	if before != nil { // the node closes it, and the other end hears of it
		m.drop(node, before)
		for _, other := range m.attempts {
			if other.ends[node] == before && other.ends[1-node] != nil {
				m.drop(1-node, other.ends[1-node])
			}
		}
	}
	return true
}

// TestPlaceAgreement: in whatever order handshakes run and links are lost, once
// both nodes are left alone they hold the two ends of one connection.
func TestPlaceAgreement(t *testing.T) {
	newModel := func(t *rapid.T) *model {
		m := &model{t: t}
		for i := range m.nodes {
			mesh, err := New(Config{Key: testKey(i), Network: testNetwork, Handler: &recorder{}, Listener: silent{},
				Peers: []Peer{{Key: testKey(1 - i).Public(), Address: "x:1"}}})
			if err != nil {
				t.Fatal(err)
			}
			m.nodes[i], m.peers[i] = mesh, mesh.peers[testKey(1-i).Public()]
		}
		return m
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1:
				m.begin(rapid.IntRange(0, 1).Draw(t, "dialer"))
			case 2:
				m.lose(rapid.IntRange(0, 1).Draw(t, "loser"))
			default:
				if a := m.running(rapid.IntRange(0, 1).Draw(t, "of")); a != nil {
					m.advance(a)
				}
			}
		}
		m.settle()
		if m.held(0) == nil || m.held(1) == nil {
			t.Fatalf("a node that holds no link gets none: %p, %p", m.held(0), m.held(1))
		}
		m.timeOut()
		m.settle()
		if !m.agree() {
			t.Fatalf("the nodes hold different links: %p, %p", m.held(0), m.held(1))
		}
	})
}

// settle leaves the nodes alone: attempts end, and begin as the nodes see fit.
func (m *model) settle() {
	for range 30 {
		for dialer := range 2 {
			m.begin(dialer)
			if a := m.running(dialer); a != nil {
				m.advance(a)
			}
		}
	}
}

// timeOut has silence tell each node of links that the other does not hold.
func (m *model) timeOut() {
	if !m.agree() {
		m.lose(0)
		m.lose(1)
	}
}

// agree reports whether the nodes hold the two ends of one connection.
func (m *model) agree() bool {
	for _, a := range m.attempts {
		if a.ends[0] != nil && a.ends[0] == m.held(0) && a.ends[1] == m.held(1) {
			return true
		}
	}
	return false
}

// silent is a listener that the model does not use.
type silent struct{ net.Listener }

// TestNewLinkFromRestartedPeer: a node that holds links whose other end is gone
// without a word takes the restarted peer's new links at once, whoever dialed
// the old ones and whoever's key is smaller.
func TestNewLinkFromRestartedPeer(t *testing.T) {
	for own := range 2 {
		for _, dialed := range []bool{true, false} {
			t.Run(fmt.Sprintf("key %d, dialed %v", own, dialed), func(t *testing.T) { testRestartedPeer(t, own, dialed) })
		}
	}
}

func testRestartedPeer(t *testing.T, own int, dialed bool) {
	peer := testKey(1 - own).Public()
	other := newRawListener(t)
	node := newNode(t, own, func(c *Config) {
		c.Allowed = allow(1 - own)
		if dialed {
			c.Peers = []Peer{peerOf(1-own, other.Listener.Addr())}
		}
	})
	node.Start()
	var old *rawEnd
	for _, kind := range linkKinds {
		if dialed {
			end, theirs := other.next(t, 0)
			end.answer(1-own, theirs)
			old = end
		} else {
			old = dialRaw(t, node.Addr())
			old.prove(1-own, kind)
		}
	}
	eventually(t, "the first links", func() bool { return node.isUp(peer) })

	began := time.Now()
	restarted := newNode(t, 1-own, func(c *Config) { c.Peers = []Peer{peerOf(own, node.Addr())} })
	restarted.Start()
	eventually(t, "both see the new links", func() bool {
		return restarted.isUp(node.key) && node.isUp(peer) && strings.Contains(node.eventsOf(peer), "down")
	})
	if took := time.Since(began); took > standardTiming.silence/2 {
		t.Errorf("it took %v: the old links were waited for", took)
	}
	if _, closed := old.receive(); closed == nil || closed.Text != errReplaced.sentence {
		t.Errorf("the old link is told %v", closed)
	}
	eventually(t, "one vote link", func() bool { return node.metric(t, "posnet_p2p_links", "vote") == 1 })
	restarted.Send(node.key, KindVote, []byte("vote"))
	eventually(t, "a vote over the new link", func() bool { return node.count() == 1 })
}
