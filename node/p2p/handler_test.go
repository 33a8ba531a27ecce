package p2p

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// caller is a Handler that calls back whatever it may.
type caller struct {
	recorder
	mesh *Mesh
	set  chan struct{} // closed when mesh is set
}

func (c *caller) LinkUp(peer types.PublicKey) {
	<-c.set
	c.mesh.Send(peer, KindSummary, []byte("summary"))
	c.mesh.Broadcast(KindStatus, []byte("status"))
	c.mesh.Peers()
	c.recorder.LinkUp(peer)
}

func (c *caller) LinkDown(peer types.PublicKey) {
	<-c.set
	c.mesh.Send(peer, KindSummary, nil)
	c.mesh.Peers()
	c.recorder.LinkDown(peer)
}

func (c *caller) Message(from types.PublicKey, kind Kind, payload []byte) {
	<-c.set
	if kind == KindSummary {
		c.mesh.Send(from, KindVote, []byte("answer"))
	}
	c.mesh.Peers()
	c.recorder.Message(from, kind, payload)
}

// TestHandlerMayCallBack: a Handler that sends as soon as it is told of a peer
// reaches it, and one that answers a message on its link does.
func TestHandlerMayCallBack(t *testing.T) {
	callers := [2]*caller{{set: make(chan struct{})}, {set: make(chan struct{})}}
	nodes := newNetwork(t, 2, func(n int, c *Config) { c.Handler = callers[n] })
	for n, c := range callers {
		c.mesh = nodes[n].Mesh
		close(c.set)
	}
	for _, c := range callers {
		eventually(t, "summary, status and answer", func() bool { return c.count() == 3 })
	}
	nodes[0].Close()
	eventually(t, "the loss is told", func() bool { return strings.HasSuffix(callers[1].eventsOf(nodes[0].key), "down") })
}

// fakeLink is a link without a connection, for the table of peers.
func fakeLink(m *Mesh, kind LinkKind) *link {
	return &link{kind: kind, metrics: m.metrics[kind], dead: make(chan struct{}), gone: make(chan struct{}), reason: errSlow}
}

// onDown is a Handler that does something when told that a link is down.
type onDown struct {
	recorder
	do func()
}

func (o *onDown) LinkDown(types.PublicKey) { o.do() }

// TestForgetting: a peer that is gone is forgotten, but not while the Handler is
// told of it, and never in place of the one who came after it.
func TestForgetting(t *testing.T) {
	handler := &onDown{}
	node := newNode(t, 0, func(c *Config) { c.Handler = handler })
	key := testKey(1).Public()
	attach := func(kind LinkKind) *link {
		l := fakeLink(node.Mesh, kind)
		if !node.attach(l, key, "", nil) {
			t.Fatal("the place is taken")
		}
		return l
	}
	vote, bulk := attach(VoteLink), attach(BulkLink)
	first := vote.peer
	node.tell(first)
	told := false
	handler.do = func() {
		node.detach(bulk)
		told = node.peers[key] == first
	}
	node.detach(vote)
	node.tell(first)
	if !told {
		t.Error("the peer was forgotten, or not known to be gone, while LinkDown ran: LinkUp could run beside it")
	}
	if len(node.peers) != 0 {
		t.Error("the peer is not forgotten")
	}
	next := attach(VoteLink)
	node.tell(first)
	if node.current(key, VoteLink) != next {
		t.Error("the news of an old link made the node forget the new one")
	}
	node.detach(next)
}

// TestNewsComeInOrder: whatever goroutines bring links up and down, the Handler
// is called by one at a time for a peer, and in the end knows what is so.
func TestNewsComeInOrder(t *testing.T) {
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	key := testKey(1).Public()
	var wg sync.WaitGroup
	for range 4 {
		for _, kind := range linkKinds {
			wg.Go(func() {
				for range 100 {
					l := fakeLink(node.Mesh, kind)
					if !node.attach(l, key, "", node.current(key, kind)) {
						continue // another took the place in between
					}
					node.tell(l.peer)
					time.Sleep(50 * time.Microsecond) // a life in which others come
					node.detach(l)
					node.tell(l.peer)
				}
			})
		}
	}
	wg.Wait()
	events := node.eventsOf(key)
	if node.overlap {
		t.Error("two calls for one peer ran at once")
	}
	if !strings.HasPrefix(events, "up") || !strings.HasSuffix(events, "down") || strings.Contains(events, "down down") {
		t.Errorf("the handler was told %q", events)
	}
	if len(node.Peers()) != 0 {
		t.Errorf("a peer that is gone is remembered: %+v", node.Peers())
	}
}

// TestMessagesOfAReplacedLinkComeFirst: those of the new link wait for the last
// one of the old.
func TestMessagesOfAReplacedLinkComeFirst(t *testing.T) {
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	var entered atomic.Int32
	second := make(chan struct{})
	node.hold = func(Kind) {
		if entered.Add(1) == 2 {
			close(second)
			return
		}
		select {
		case <-second:
			t.Error("a message of the new link came during one of the old")
		case <-time.After(200 * time.Millisecond): // long enough for the second to come, were it let in
		}
	}
	node.Start()
	vote := []byte{byte(KindVote), 0, 0, 0, 1, 1}
	old := dialRaw(t, node.Addr())
	old.prove(1, VoteLink)
	old.send(vote)
	eventually(t, "the first message", func() bool { return entered.Load() == 1 })
	replacement := dialRaw(t, node.Addr())
	replacement.prove(1, VoteLink)
	vote[5] = 2
	replacement.send(vote)
	eventually(t, "both messages", func() bool { return node.count() == 2 })
	for i, m := range node.all() {
		if m.payload[0] != byte(i+1) {
			t.Errorf("message %d is %v", i, m.payload)
		}
	}
}
