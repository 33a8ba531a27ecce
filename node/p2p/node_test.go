package p2p

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/posnet/posnet/node/types"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}

var testNetwork = types.SumHash([]byte("a network for tests"))

// testKey returns the same key for the same number, so that tests replay.
func testKey(n int) types.PrivateKey {
	return types.NewPrivateKey(types.SumHash(fmt.Appendf(nil, "test key %d", n)))
}

// received is one message as a recorder got it.
type received struct {
	from    types.PublicKey
	kind    Kind
	payload []byte
}

// recorder is a Handler that keeps what it is told.
type recorder struct {
	hold func(Kind) // called before a message is kept; may block

	mu       sync.Mutex
	messages []received
	events   map[types.PublicKey][]string
	running  map[types.PublicKey]int
	overlap  bool // two of LinkUp and LinkDown of one peer ran at once
}

func (r *recorder) Message(from types.PublicKey, kind Kind, payload []byte) {
	if r.hold != nil {
		r.hold(kind)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, received{from, kind, payload})
}

func (r *recorder) LinkUp(peer types.PublicKey)   { r.event(peer, "up") }
func (r *recorder) LinkDown(peer types.PublicKey) { r.event(peer, "down") }

func (r *recorder) event(peer types.PublicKey, what string) {
	r.mu.Lock()
	if r.events == nil {
		r.events, r.running = map[types.PublicKey][]string{}, map[types.PublicKey]int{}
	}
	r.events[peer] = append(r.events[peer], what)
	r.running[peer]++
	r.overlap = r.overlap || r.running[peer] > 1
	r.mu.Unlock()
	time.Sleep(10 * time.Microsecond) // room for another call to run into this one
	r.mu.Lock()
	r.running[peer]--
	r.mu.Unlock()
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.messages)
}

func (r *recorder) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.messages...)
}

func (r *recorder) eventsOf(peer types.PublicKey) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.events[peer], " ")
}

// logBuffer keeps a log for a test to look at.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// testNode is a mesh with what a test looks at.
type testNode struct {
	*Mesh
	*recorder
	key      types.PublicKey
	logs     *logBuffer
	registry *prometheus.Registry
}

func openListener(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// newNode makes a node with key number n that is not started; change, if not
// nil, may alter its config.
func newNode(t testing.TB, n int, change func(*Config)) *testNode {
	t.Helper()
	return newTimedNode(t, standardTiming, n, change)
}

func newTimedNode(t testing.TB, times timing, n int, change func(*Config)) *testNode {
	t.Helper()
	node := &testNode{recorder: &recorder{}, key: testKey(n).Public(), logs: &logBuffer{}, registry: prometheus.NewRegistry()}
	c := Config{
		Key: testKey(n), Network: testNetwork, Name: fmt.Sprintf("node-%d", n), Listen: "127.0.0.1:0",
		Handler: node.recorder, Metrics: node.registry,
		Logger: slog.New(slog.NewTextHandler(node.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	mesh, err := newMesh(c, times)
	if err != nil {
		t.Fatal(err)
	}
	node.Mesh = mesh
	t.Cleanup(node.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of node-%d:\n%s", n, node.logs)
		}
	})
	return node
}

func peerOf(n int, address net.Addr) Peer {
	return Peer{Name: fmt.Sprintf("node-%d", n), Key: testKey(n).Public(), Address: address.String()}
}

// newNetwork makes size nodes that have each other in their configs, and
// starts them.
func newNetwork(t testing.TB, size int, change func(n int, c *Config)) []*testNode {
	t.Helper()
	listeners := make([]net.Listener, size)
	for n := range listeners {
		listeners[n] = openListener(t)
	}
	nodes := make([]*testNode, size)
	for n := range nodes {
		nodes[n] = newNode(t, n, func(c *Config) {
			c.Listener = listeners[n]
			for other, l := range listeners {
				if other != n {
					c.Peers = append(c.Peers, peerOf(other, l.Addr()))
				}
			}
			if change != nil {
				change(n, c)
			}
		})
	}
	for _, node := range nodes {
		node.Start()
	}
	return nodes
}

const patience = 20 * time.Second

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := time.Duration(50_000); !cond(); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
		time.Sleep(pause)
	}
}

// isUp reports whether the node's handler was last told that the peer is up.
func (n *testNode) isUp(peer types.PublicKey) bool {
	return strings.HasSuffix(n.eventsOf(peer), "up")
}

func allUp(t testing.TB, nodes []*testNode) {
	t.Helper()
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b {
				eventually(t, fmt.Sprintf("%s linked to %s", a.config.Name, b.config.Name), func() bool { return a.isUp(b.key) })
			}
		}
	}
}

// metric returns the value of a metric whose labels contain all of labels.
func (n *testNode) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			text := m.String()
			matches := true
			for _, l := range labels {
				matches = matches && strings.Contains(text, `"`+l+`"`)
			}
			if matches {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// allow returns a Config.Allowed for the test keys with some numbers.
func allow(numbers ...int) func(types.PublicKey) bool {
	keys := map[types.PublicKey]bool{}
	for _, n := range numbers {
		keys[testKey(n).Public()] = true
	}
	return func(k types.PublicKey) bool { return keys[k] }
}
