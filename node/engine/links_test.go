package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// latency is how long a message is under way.
const latency = time.Millisecond

// memoryLinks is one node's end of the links. Messages to each peer pass
// through a queue and a goroutine of their own, in order.
type memoryLinks struct {
	node *testNode
	mu   sync.Mutex
	cut  map[types.PublicKey]bool
	lose func(to *testNode, kind p2p.Kind, payload []byte) bool // messages that get lost
	out  map[types.PublicKey]chan parcel
	sent map[p2p.Kind]int
	wg   sync.WaitGroup
}

type parcel struct {
	due     time.Time
	deliver func()
}

func newMemoryLinks(n *testNode) *memoryLinks {
	return &memoryLinks{node: n, cut: map[types.PublicKey]bool{}, out: map[types.PublicKey]chan parcel{}, sent: map[p2p.Kind]int{}}
}

// drop loses what is under way.
func (l *memoryLinks) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for to, out := range l.out {
		close(out)
		delete(l.out, to)
	}
}

// close ends the links for good.
func (l *memoryLinks) close() {
	l.drop()
	l.mu.Lock()
	l.out = nil
	l.mu.Unlock()
	l.wg.Wait()
}

// Send implements Links. Own votes and proposals must be in the sign log by then.
func (l *memoryLinks) Send(to types.PublicKey, kind p2p.Kind, payload []byte) bool {
	l.checkSigned(kind, payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	peer := l.node.network.node(to)
	if l.out == nil || peer == nil || l.cut[to] {
		return false
	}
	if len(payload) > kind.MaxBytes() {
		l.node.network.t.Errorf("a %v of %d bytes is sent: at most %d are allowed", kind, len(payload), kind.MaxBytes())
		return false
	}
	at := peer.live.Load()
	if at == nil {
		return false
	}
	l.sent[kind]++
	if l.lose != nil && l.lose(peer, kind, payload) {
		return true
	}
	if l.out[to] == nil {
		parcels := make(chan parcel, 10_000)
		l.out[to] = parcels
		l.wg.Go(func() { carry(parcels) })
	}
	from := l.node.key()
	select {
	case l.out[to] <- parcel{time.Now().Add(latency), func() { at.Message(from, kind, payload) }}:
		return true
	default:
		return false
	}
}

func carry(parcels chan parcel) {
	for p := range parcels {
		time.Sleep(time.Until(p.due))
		p.deliver()
	}
}

// checkSigned checks that what a validator says is in its sign log before it is
// on the wire.
func (l *memoryLinks) checkSigned(kind p2p.Kind, payload []byte) {
	if end := l.node.live.Load(); end == nil || end.Handler != p2p.Handler(l.node.Engine) {
		return // scripts keep no log
	}
	var by types.PublicKey
	switch kind {
	case p2p.KindVote:
		v, _ := types.DecodeVote(payload)
		by = v.Validator
	case p2p.KindProposal:
		p, _ := types.DecodeProposal(payload)
		by = p.Validator
	}
	if by != l.node.key() {
		return
	}
	if !l.node.said.has(payload) {
		l.node.network.t.Errorf("%s sends a %v that is not in its sign log", l.node.config.Name, kind)
	}
}

// sayings is all that a validator ever wrote into its sign logs.
type sayings struct {
	mu   sync.Mutex
	said map[string]bool
}

func (s *sayings) has(raw []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said[string(raw)]
}

// heededLog is a sign log whose entries are remembered beyond it.
type heededLog struct {
	storage.SignLog
	*sayings
}

func (l heededLog) Append(entries ...storage.SignEntry) error {
	if err := l.SignLog.Append(entries...); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		l.said[string(e.Data)] = true
	}
	return nil
}

// newDisk gives a node an empty disk.
func (n *testNode) newDisk() {
	n.data = storage.NewMemory()
	n.data.SignLog = heededLog{n.data.SignLog, &n.said}
}

// losing sets which messages get lost; nil: none.
func (l *memoryLinks) losing(lose func(to *testNode, kind p2p.Kind, payload []byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = lose
}

// count returns how many messages of a kind were sent.
func (l *memoryLinks) count(kind p2p.Kind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent[kind]
}

func (l *memoryLinks) reaches(other *testNode) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.cut[other.key()]
}

func (l *memoryLinks) Broadcast(kind p2p.Kind, payload []byte) {
	for _, n := range l.node.network.nodes {
		if n != l.node {
			l.Send(n.key(), kind, payload)
		}
	}
}

func (l *memoryLinks) Peers() []p2p.PeerInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []p2p.PeerInfo
	for _, n := range l.node.network.nodes {
		if n != l.node {
			up := n.live.Load() != nil && !l.cut[n.key()]
			out = append(out, p2p.PeerInfo{Name: n.config.Name, Key: n.key(), Vote: up, Bulk: up})
		}
	}
	return out
}

func (w *network) node(key types.PublicKey) *testNode {
	for _, n := range w.nodes {
		if n.key() == key {
			return n
		}
	}
	return nil
}

// cut cuts the link between two nodes, or mends it.
func (w *network) cut(a, b int, cut bool) {
	for _, ends := range [][2]*testNode{{w.nodes[a], w.nodes[b]}, {w.nodes[b], w.nodes[a]}} {
		l := ends[0].links
		l.mu.Lock()
		l.cut[ends[1].key()] = cut
		l.mu.Unlock()
		switch end := ends[0].live.Load(); {
		case end == nil:
		case cut:
			end.LinkDown(ends[1].key())
		default:
			end.LinkUp(ends[1].key())
		}
	}
}

// partition cuts all links between two groups, or mends them.
func (w *network) partition(as, bs []int, cut bool) {
	for _, a := range as {
		for _, b := range bs {
			w.cut(a, b, cut)
		}
	}
}

// script is a peer that does as it is told.
type script struct {
	node    *testNode
	message func(s *script, from types.PublicKey, kind p2p.Kind, payload []byte)
	linkUp  func(s *script, peer types.PublicKey)
}

// Message implements p2p.Handler.
func (s *script) Message(from types.PublicKey, kind p2p.Kind, payload []byte) {
	if s.message != nil {
		s.message(s, from, kind, payload)
	}
}

// LinkUp implements p2p.Handler.
func (s *script) LinkUp(peer types.PublicKey) {
	if s.linkUp != nil {
		s.linkUp(s, peer)
	}
}

// LinkDown implements p2p.Handler.
func (s *script) LinkDown(types.PublicKey) {}

func (s *script) send(to types.PublicKey, kind p2p.Kind, payload []byte) {
	s.node.links.Send(to, kind, payload)
}

// logbook keeps what a node logs.
type logbook struct {
	mu    sync.Mutex
	lines []slog.Record
}

// count returns how many lines of the log say something.
func (b *logbook) count(message string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.lines {
		if r.Message == message {
			n++
		}
	}
	return n
}

// last returns the attributes of the last line.
func (b *logbook) last() map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]any{}
	if len(b.lines) > 0 {
		b.lines[len(b.lines)-1].Attrs(func(a slog.Attr) bool { out[a.Key] = a.Value.Any(); return true })
	}
	return out
}

// beside returns a handler that keeps warnings and errors, and hands on.
func (b *logbook) beside(h slog.Handler) slog.Handler { return keeping{h, b} }

type keeping struct {
	slog.Handler
	book *logbook
}

func (k keeping) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || k.Handler.Enabled(ctx, level)
}

func (k keeping) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		k.book.mu.Lock()
		k.book.lines = append(k.book.lines, r)
		k.book.mu.Unlock()
	}
	if k.Handler.Enabled(ctx, r.Level) {
		return k.Handler.Handle(ctx, r)
	}
	return nil
}

func (k keeping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return keeping{k.Handler.WithAttrs(attrs), k.book}
}
