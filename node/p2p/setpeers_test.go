package p2p

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// setPeers gives a node the listed ones as its peers.
func (n *testNode) setPeers(t testing.TB, peers ...*testNode) {
	t.Helper()
	var list []Peer
	for _, p := range peers {
		list = append(list, Peer{Name: p.config.Name, Key: p.key, Address: p.Addr().String()})
	}
	if err := n.SetPeers(list); err != nil {
		t.Fatal(err)
	}
}

// TestAPeerIsListedAndUnlisted: one that nobody knows is refused, is linked once
// it is on everybody's list, and let go once it is on none.
func TestAPeerIsListedAndUnlisted(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	newcomer := newNode(t, 7, func(c *Config) { c.Peers = []Peer{peerOf(0, nodes[0].Addr()), peerOf(1, nodes[1].Addr())} })
	newcomer.Start()
	eventually(t, "it is refused", func() bool {
		return strings.Contains(newcomer.Peers()[0].Problem, "is neither a validator of this network nor a peer in the config here")
	})
	nodes[0].setPeers(t, newcomer, nodes[1])
	nodes[1].setPeers(t, nodes[0], newcomer)
	allUp(t, append(nodes, newcomer))
	if got := nodes[0].Peers(); len(got) != 2 || got[0].Name != "node-7" || got[1].Name != "node-1" || !got[0].Up() || !got[1].Up() {
		t.Errorf("the peers are not those of the list, in its order: %+v", got)
	}
	nodes[0].Broadcast(KindVote, []byte("to all"))
	eventually(t, "it gets a vote", func() bool { return newcomer.count() == 1 })

	nodes[0].setPeers(t, nodes[1])
	nodes[1].setPeers(t, nodes[0])
	for _, node := range nodes {
		eventually(t, "it is let go", func() bool { return strings.HasSuffix(node.eventsOf(newcomer.key), "down") })
		eventually(t, "and forgotten", func() bool { return len(node.Peers()) == 1 })
	}
	eventually(t, "it learns why", func() bool {
		return strings.Contains(newcomer.logs.String(), "no longer a validator of this network or a peer in the config here")
	})
	for i, node := range nodes {
		if got := node.eventsOf(nodes[1-i].key); got != "up" {
			t.Errorf("the others were disturbed: %s was told %q of %s", node.config.Name, got, nodes[1-i].config.Name)
		}
	}
}

// TestAValidatorThatIsUnlistedStays: who is a validator keeps its links, and may
// dial in, though no config names it.
func TestAValidatorThatIsUnlistedStays(t *testing.T) {
	nodes := newNetwork(t, 2, func(n int, c *Config) { c.Allowed = allow(0, 1) })
	allUp(t, nodes)
	nodes[0].setPeers(t)
	nodes[0].Send(nodes[1].key, KindVote, []byte("vote"))
	eventually(t, "a vote", func() bool { return nodes[1].count() == 1 })
	for _, kind := range linkKinds {
		nodes[0].current(nodes[1].key, kind).ws.Close()
	}
	eventually(t, "it is back", func() bool { return nodes[0].eventsOf(nodes[1].key) == "up down up" })
	for _, kind := range linkKinds {
		if l := nodes[0].current(nodes[1].key, kind); l == nil || !l.inbound {
			t.Errorf("the %v link was dialed by who does not list it", kind)
		}
	}
}

// TestAPeerMoves: a peer that has another address, name or key is dialed
// accordingly, and at the old address by nobody.
func TestAPeerMoves(t *testing.T) {
	var dials atomic.Int32
	gone := openListener(t)
	defer gone.Close()
	go func() {
		for {
			c, err := gone.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			c.Close()
		}
	}()
	there := newNode(t, 1, func(c *Config) { c.Allowed = allow(0) })
	there.Start()
	node := newNode(t, 0, func(c *Config) { c.Peers = []Peer{peerOf(1, gone.Addr())} })
	node.Start()
	eventually(t, "the old address is dialed", func() bool { return dials.Load() >= 2 })
	node.setPeers(t, there)
	before := dials.Load()
	allUp(t, []*testNode{node, there})

	list := []Peer{{Name: "renamed", Key: there.key, Address: there.Addr().String()}}
	if err := node.SetPeers(list); err != nil {
		t.Fatal(err)
	}
	if got := node.Peers(); len(got) != 1 || got[0].Name != "renamed" || !got[0].Up() || node.eventsOf(there.key) != "up" {
		t.Errorf("a name is no reason to lose a link: %+v, %s", got, node.eventsOf(there.key))
	}

	address := there.Addr().String()
	there.Close()
	other := newNode(t, 2, func(c *Config) { c.Listen, c.Allowed = address, allow(0) })
	other.Start()
	eventually(t, "the wrong key is told", func() bool {
		return strings.Contains(node.Peers()[0].Problem, "is expected at this address")
	})
	node.setPeers(t, other)
	allUp(t, []*testNode{node, other})
	if got := node.Peers(); len(got) != 1 || got[0].Key != other.key {
		t.Errorf("the old key is remembered: %+v", got)
	}
	if dials.Load() != before {
		t.Errorf("the old address was dialed %d times after it was left", dials.Load()-before)
	}
}

// TestAWrongListChangesNothing: nor does the right one twice.
func TestAWrongListChangesNothing(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	before := nodes[0].Peers()
	good := peerOf(1, nodes[1].Addr())
	for _, c := range []struct {
		list []Peer
		want string
	}{
		{[]Peer{good, peerOf(0, nodes[0].Addr())}, "peers[1] (node-0): its key is this node's own"},
		{[]Peer{good, good}, "peers[1] (node-1): its key is there twice"},
		{[]Peer{{Name: "x", Address: "h:1"}}, "peers[0] (x): its key is missing"},
		{[]Peer{{Name: "x", Key: testKey(3).Public(), Address: "h"}}, "must be host:port"},
	} {
		if err := nodes[0].SetPeers(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want %q in it", err, c.want)
		}
	}
	for range 3 {
		if err := nodes[0].SetPeers([]Peer{good}); err != nil {
			t.Fatal(err)
		}
	}
	if after := nodes[0].Peers(); len(after) != 1 || after[0] != before[0] || nodes[0].eventsOf(nodes[1].key) != "up" {
		t.Errorf("before %+v, after %+v; told %q", before, after, nodes[0].eventsOf(nodes[1].key))
	}
}

// TestSetPeersWaitsForNobody: neither a handshake that hangs, nor a mesh that
// has not started or is closed, holds it up.
func TestSetPeersWaitsForNobody(t *testing.T) {
	mute := newRawListener(t)
	node := newNode(t, 0, func(c *Config) { c.Peers = []Peer{peerOf(1, mute.Listener.Addr())} })
	other := newNode(t, 2, func(c *Config) { c.Allowed = allow(0) })
	other.Start()
	node.setPeers(t, other)
	if err := node.SetPeers([]Peer{peerOf(1, mute.Listener.Addr()), peerOf(2, other.Addr())}); err != nil {
		t.Fatal(err)
	}
	if len(mute.ends) != 0 {
		t.Error("somebody is dialed before Start")
	}
	node.Start()
	mute.next(t, VoteLink)
	began := time.Now()
	node.setPeers(t, other)
	if took := time.Since(began); took > standardTiming.handshake/2 {
		t.Errorf("it waited %v for a peer that says nothing", took)
	}
	allUp(t, []*testNode{node, other})
	if got := node.Peers(); len(got) != 1 {
		t.Errorf("a peer that was never linked is remembered: %+v", got)
	}
	node.Close()
	node.setPeers(t)
}

// TestListsChangeAllTheTime: whatever the lists were in between, and however
// many set them, in the end exactly those are linked that list each other.
func TestListsChangeAllTheTime(t *testing.T) {
	const size = 3
	times := standardTiming
	times.heartbeat = 20 * time.Millisecond
	rapid.Check(t, func(rt *rapid.T) {
		nodes := make([]*testNode, size)
		var listeners []net.Listener
		for range size {
			listeners = append(listeners, openListener(t))
		}
		for n := range nodes {
			nodes[n] = newTimedNode(t, times, n, func(c *Config) { c.Listener = listeners[n] })
			nodes[n].Start()
			defer nodes[n].Close()
		}
		steps := rapid.SliceOfN(rapid.SliceOfN(rapid.Uint8Range(0, 1<<size-1), size, size), 1, 4).Draw(rt, "lists by step and node")
		last := steps[len(steps)-1]
		for _, lists := range steps {
			var wg sync.WaitGroup
			for n, mask := range lists {
				wg.Go(func() { nodes[n].setPeers(t, listed(nodes, n, mask)...) })
			}
			wg.Wait()
		}
		for a, node := range nodes {
			for b, other := range nodes {
				both := a != b && last[a]>>b&1 == 1 && last[b]>>a&1 == 1
				eventually(t, "links as the lists say", func() bool {
					up := node.current(other.key, VoteLink) != nil && node.current(other.key, BulkLink) != nil
					return up == both && (up || !strings.HasSuffix(node.eventsOf(other.key), "up"))
				})
			}
			if node.overlapped() {
				rt.Fatal("two calls for one peer ran at once")
			}
		}
	})
}

func (r *recorder) overlapped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.overlap
}

// listed are the nodes of a mask, without the n-th.
func listed(nodes []*testNode, n int, mask uint8) (out []*testNode) {
	for i, node := range nodes {
		if i != n && mask>>i&1 == 1 {
			out = append(out, node)
		}
	}
	return out
}

// TestEveryoneMayAsk: SetPeers beside everything else that a mesh does.
func TestEveryoneMayAsk(t *testing.T) {
	nodes := newNetwork(t, 3, func(n int, c *Config) { c.Allowed = allow(0, 1, 2) })
	allUp(t, nodes)
	var wg sync.WaitGroup
	for _, list := range [][]*testNode{{nodes[1]}, {nodes[2]}, {nodes[1], nodes[2]}, {}} {
		wg.Go(func() {
			for range 20 {
				nodes[0].setPeers(t, list...)
				nodes[0].Peers()
				nodes[0].Broadcast(KindVote, []byte("vote"))
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if l := nodes[1].current(nodes[0].key, VoteLink); l != nil {
				l.ws.Close()
			}
		}
	})
	wg.Wait()
	nodes[0].setPeers(t, nodes[1], nodes[2])
	for _, other := range nodes[1:] {
		eventually(t, "both are linked", func() bool {
			return nodes[0].current(other.key, VoteLink) != nil && other.current(nodes[0].key, VoteLink) != nil
		})
	}
	if got := nodes[0].Peers(); len(got) != 2 || got[0].Key != nodes[1].key {
		t.Errorf("the peers are %+v", got)
	}
	var none types.PublicKey
	if nodes[0].allowed(none) {
		t.Error("the zero key may link")
	}
}
