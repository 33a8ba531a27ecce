package p2p

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// wires dials for a node and keeps what it dialed, to cut or freeze it.
type wires struct {
	mu   sync.Mutex
	list []*wire
}

func (w *wires) dial(ctx context.Context, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	one := &wire{Conn: c, frozen: make(chan struct{}), closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, one)
	return one, nil
}

// each calls f for all that was dialed and forgets it.
func (w *wires) each(f func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.list {
		f(one)
	}
	w.list = nil
}

// wire is a connection that can be cut, or frozen: then it stays open, and
// nothing passes any more.
type wire struct {
	net.Conn
	frozen, closed chan struct{}
	closing        sync.Once
	mu             sync.Mutex
	deadline       time.Time
}

func (w *wire) cut()    { w.Conn.(*net.TCPConn).SetLinger(0); w.Conn.Close() }
func (w *wire) freeze() { close(w.frozen); w.Conn.SetReadDeadline(time.Unix(1, 0)) }

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	select {
	case <-w.frozen:
		w.mu.Lock()
		left := time.Until(w.deadline)
		w.mu.Unlock()
		select {
		case <-w.closed:
		case <-time.After(left):
		}
		return 0, os.ErrDeadlineExceeded
	default:
		return n, err
	}
}

func (w *wire) Write(p []byte) (int, error) {
	select {
	case <-w.frozen:
		return len(p), nil
	default:
		return w.Conn.Write(p)
	}
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return w.Conn.SetReadDeadline(t)
}

func (w *wire) Close() error {
	w.closing.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

// count returns how often a node was told something of a peer.
func (n *testNode) told(peer *testNode, what string) int {
	return strings.Count(n.eventsOf(peer.key), what)
}

func newWiredPair(t *testing.T, times timing) (a, b *testNode, w *wires) {
	w = &wires{}
	a = newTimedNode(t, times, 0, func(c *Config) { c.Allowed = allow(1) })
	b = newTimedNode(t, times, 1, func(c *Config) {
		c.Peers = []Peer{peerOf(0, a.Addr())}
		c.Dial = w.dial
	})
	a.Start()
	b.Start()
	allUp(t, []*testNode{a, b})
	return a, b, w
}

func TestCutLinksComeBack(t *testing.T) {
	a, b, w := newWiredPair(t, standardTiming)
	for round := range 4 { // each link dies younger than steadyAfter: the pauses grow
		cut := time.Now()
		w.each((*wire).cut)
		for _, n := range []struct{ node, peer *testNode }{{a, b}, {b, a}} {
			eventually(t, "the loss is told", func() bool { return n.node.told(n.peer, "down") > round })
			if took := time.Since(cut); took > standardTiming.silence/4 {
				t.Errorf("a cut link was noticed after %v", took)
			}
		}
		eventually(t, "both are back", func() bool { return a.isUp(b.key) && b.isUp(a.key) })
		t.Logf("back after %v", time.Since(cut).Round(time.Millisecond))
	}
	a.Send(b.key, KindVote, []byte("vote"))
	eventually(t, "a vote", func() bool { return b.count() == 1 })
	if a.overlap || b.overlap {
		t.Error("LinkUp and LinkDown ran at once")
	}
}

// TestRestart: a node that comes back on the same port is linked again.
func TestRestart(t *testing.T) {
	a := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	a.Start()
	b := newNode(t, 1, func(c *Config) { c.Peers = []Peer{peerOf(0, a.Addr())} })
	b.Start()
	allUp(t, []*testNode{a, b})
	address := a.Addr().String()
	a.Close()
	eventually(t, "the loss is told", func() bool { return b.told(a, "down") == 1 })
	eventually(t, "the problem is shown", func() bool { return strings.Contains(b.Peers()[0].Problem, "connection refused") })
	again := newNode(t, 0, func(c *Config) { c.Allowed, c.Listen = allow(1), address })
	again.Start()
	eventually(t, "the link is back", func() bool { return b.told(a, "up") == 2 && again.isUp(b.key) })
	if strings.Count(b.logs.String(), "connection refused") != 1 {
		t.Errorf("an absent peer is logged again and again:\n%s", b.logs)
	}
}

// TestFrozenLinksEnd: a peer that is silent, though its connection is open, is
// given up by both sides, and linked again.
func TestFrozenLinksEnd(t *testing.T) {
	times := standardTiming
	times.heartbeat, times.silence = 50*time.Millisecond, time.Second
	a, b, w := newWiredPair(t, times)
	downs := a.told(b, "down") + b.told(a, "down")
	w.each((*wire).freeze)
	frozen := time.Now()
	eventually(t, "both give up", func() bool { return a.told(b, "down")+b.told(a, "down") >= downs+2 })
	if took := time.Since(frozen); took < times.silence/2 || took > 4*times.silence {
		t.Errorf("silence was noticed after %v, want about %v", took, times.silence)
	}
	eventually(t, "both are back", func() bool { return a.isUp(b.key) && b.isUp(a.key) })
	if !strings.Contains(b.logs.String(), "nothing was heard from the peer for 1s") {
		t.Error("the log does not say why")
	}
}

// TestIdleAndBusyLinksLive: neither a link without messages nor one whose
// Handler takes its time is mistaken for a silent one.
func TestIdleAndBusyLinksLive(t *testing.T) {
	times := standardTiming
	times.heartbeat, times.silence = 50*time.Millisecond, time.Second
	busy := make(chan struct{})
	a := newTimedNode(t, times, 0, func(c *Config) { c.Allowed = allow(1) })
	a.hold = func(kind Kind) {
		if kind == KindRecords {
			<-busy
		}
	}
	b := newTimedNode(t, times, 1, func(c *Config) { c.Peers = []Peer{peerOf(0, a.Addr())} })
	a.Start()
	b.Start()
	allUp(t, []*testNode{a, b})
	b.Send(a.key, KindRecords, []byte("held"))
	b.Send(a.key, KindStatus, []byte("behind it"))
	time.Sleep(3 * times.silence / 2) // what is tested is that nothing happens meanwhile
	close(busy)
	eventually(t, "both messages", func() bool { return a.count() == 2 })
	if got := a.eventsOf(b.key) + ", " + b.eventsOf(a.key); got != "up, up" {
		t.Errorf("the nodes were told %q", got)
	}
}

// TestSlowReader: a peer that reads too slowly loses its bulk link only; votes
// to it and everything to others go on, and once it reads again it is told to
// begin anew.
func TestSlowReader(t *testing.T) {
	release := make(chan struct{})
	nodes := newNetwork(t, 3, nil)
	sender, slow, other := nodes[0], nodes[1], nodes[2]
	slow.recorder.hold = func(kind Kind) {
		if kind.Link() == BulkLink {
			<-release
		}
	}
	defer sync.OnceFunc(func() { close(release) })()
	allUp(t, nodes)
	ups := sender.told(slow, "up")

	payload := make([]byte, KindRecords.MaxBytes())
	sent := 0
	for sender.Send(slow.key, KindRecords, payload) {
		if !sender.Send(other.key, KindRecords, payload) {
			t.Fatal("the reader that keeps up was dropped")
		}
		sent++
		eventually(t, "the other reads", func() bool { return other.count() >= sent-8 })
		if sent > 1000 {
			t.Fatal("a gigabyte was queued for a peer that reads nothing")
		}
	}
	t.Logf("dropped after %d MiB", sent)
	if limit := queueLimits[BulkLink].bytes >> 20; sent < limit {
		t.Errorf("dropped after %d MiB, before the queue's %d were full", sent, limit)
	}
	for i := range 100 {
		if !sender.Send(slow.key, KindVote, []byte{byte(i)}) {
			t.Fatal("the vote link went with the bulk link")
		}
	}
	votes := func() (n int) {
		for _, m := range slow.all() {
			if m.kind == KindVote {
				n++
			}
		}
		return n
	}
	eventually(t, "votes pass a blocked bulk link", func() bool { return votes() == 100 })
	eventually(t, "the other has everything", func() bool { return other.count() == sent })
	if sender.told(slow, "down") != 0 {
		t.Error("the loss of a bulk link was told as the loss of the peer")
	}
	eventually(t, "it is told anew that both links are up", func() bool { return sender.told(slow, "up") > ups })
	if got := strings.Count(sender.logs.String(), errSlow.Error()); got != 1 {
		t.Errorf("the log speaks of the slow reader %d times, want once", got)
	}
	if got := sender.metric(t, "posnet_p2p_drops_total", "bulk"); got < 1 {
		t.Error("the drop was not counted")
	}
	release <- struct{}{}
}

// TestStalledWrite: a full connection that takes nothing for long ends, even if
// the queue has room.
func TestStalledWrite(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	times := standardTiming
	times.write = 200 * time.Millisecond
	a := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	a.hold = func(kind Kind) {
		if kind.Link() == BulkLink {
			<-release
		}
	}
	b := newTimedNode(t, times, 1, func(c *Config) { c.Peers = []Peer{peerOf(0, a.Addr())} })
	a.Start()
	b.Start()
	allUp(t, []*testNode{a, b})
	for range 2 {
		b.Send(a.key, KindBlocksFound, make([]byte, KindBlocksFound.MaxBytes()))
	}
	eventually(t, "the write is given up", func() bool {
		return strings.Contains(b.logs.String(), "cannot write to the peer: the peer took too long")
	})
	if b.told(a, "down") != 0 {
		t.Error("the loss of a bulk link was told as the loss of the peer")
	}
}
