package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// network is several engines in one process whose links are queues in memory,
// so that a test can cut them.
type network struct {
	t       *testing.T
	genesis *genesis.Genesis
	nodes   []*testNode
}

type testNode struct {
	*Engine
	network *network
	keys    config.Keys
	config  config.Config
	data    *storage.Data
	links   *memoryLinks
	live    atomic.Pointer[Engine] // the same Engine for other goroutines; nil when down
}

// memoryLinks is one node's end of the links. Messages to each peer pass
// through a queue and a goroutine of their own, in order.
type memoryLinks struct {
	node *testNode
	mu   sync.Mutex
	cut  map[types.PublicKey]bool
	dumb bool // gossip of records is lost
	out  map[types.PublicKey]chan func()
}

func seed(text string) types.PrivateKey {
	return types.NewPrivateKey([32]byte(types.SumHash([]byte(text))))
}

// newNetwork makes a network with these stakes; change may alter genesis and
// configs before anything starts.
func newNetwork(t *testing.T, stakes []uint64, change func(*genesis.Genesis, []*config.Config)) *network {
	t.Helper()
	w := &network{t: t, genesis: &genesis.Genesis{
		Name: "test", Time: types.TimeOf(time.Now()), Authority: seed("authority").Public(),
		Params: genesis.Params{BlockReward: 1, Faucet: true, FaucetMax: 1_000_000, OpenAccounts: true, Guests: true, MaxGuests: 10, MaxGuestWeight: 1000},
	}}
	var configs []*config.Config
	for i, stake := range stakes {
		keys := config.Keys{Sign: seed(fmt.Sprint("sign", i)), VRF: seed(fmt.Sprint("vrf", i))}
		name := fmt.Sprintf("v%d", i)
		w.genesis.Validators = append(w.genesis.Validators, genesis.Validator{Name: name, Key: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: stake})
		w.nodes = append(w.nodes, &testNode{network: w, keys: keys, data: storage.NewMemory(), config: config.Config{
			Name: name, Listen: config.Listen{P2P: "-", API: "-"},
			Builder:   config.Builder{When: "pool.size >= 1", Interval: config.Duration(20 * time.Millisecond), MaxRecords: 1000, MaxBytes: 1 << 20},
			Consensus: config.Consensus{ProposeTimeout: config.Duration(300 * time.Millisecond)},
		}})
		configs = append(configs, &w.nodes[i].config)
	}
	if change != nil {
		change(w.genesis, configs)
	}
	for i := range w.nodes {
		w.start(i)
	}
	t.Cleanup(func() {
		for i := range w.nodes {
			w.stop(i)
		}
	})
	return w
}

func (w *network) start(i int) {
	w.t.Helper()
	n := w.nodes[i]
	n.links = &memoryLinks{node: n, cut: map[types.PublicKey]bool{}, out: map[types.PublicKey]chan func(){}}
	level := slog.LevelError
	if os.Getenv("POSNET_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	e, err := New(Options{
		Genesis: w.genesis, Config: &n.config, Keys: n.keys, Data: n.data, Links: n.links, Version: "test",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", n.config.Name),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n.Engine = e
	n.live.Store(e)
	e.Run()
	for _, other := range w.nodes {
		if other != n && other.live.Load() != nil {
			n.LinkUp(other.self)
			other.LinkUp(n.self)
		}
	}
}

// stop ends a node; what it had on disk stays.
func (w *network) stop(i int) {
	n := w.nodes[i]
	if n.live.Swap(nil) == nil {
		return
	}
	for _, other := range w.nodes {
		if other != n && other.live.Load() != nil {
			other.LinkDown(n.self)
		}
	}
	n.Close()
	n.links.close()
}

func (w *network) node(key types.PublicKey) *testNode {
	for _, n := range w.nodes {
		if n.keys.Sign.Public() == key {
			return n
		}
	}
	return nil
}

func (l *memoryLinks) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, out := range l.out {
		close(out)
	}
	l.out = nil
}

func (l *memoryLinks) Send(to types.PublicKey, kind p2p.Kind, payload []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	peer := l.node.network.node(to)
	if l.dumb && kind == p2p.KindRecords {
		return true
	}
	if l.cut[to] || l.out == nil || peer == nil || len(payload) > kind.MaxBytes() {
		return false
	}
	at := peer.live.Load()
	if at == nil {
		return false
	}
	if l.out[to] == nil {
		l.out[to] = make(chan func(), 10_000)
		go func(out chan func()) {
			for f := range out {
				f()
			}
		}(l.out[to])
	}
	from := l.node.keys.Sign.Public()
	select {
	case l.out[to] <- func() { at.Message(from, kind, payload) }:
		return true
	default:
		return false
	}
}

func (l *memoryLinks) mute(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dumb = on
}

func (l *memoryLinks) Broadcast(kind p2p.Kind, payload []byte) {
	for _, n := range l.node.network.nodes {
		if n != l.node {
			l.Send(n.keys.Sign.Public(), kind, payload)
		}
	}
}

func (l *memoryLinks) Peers() []p2p.PeerInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []p2p.PeerInfo
	for _, n := range l.node.network.nodes {
		if n != l.node {
			up := n.live.Load() != nil && !l.cut[n.keys.Sign.Public()]
			out = append(out, p2p.PeerInfo{Name: n.config.Name, Key: n.keys.Sign.Public(), Vote: up, Bulk: up})
		}
	}
	return out
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func (w *network) await(height uint64, nodes ...int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, i := range nodes {
		if err := w.nodes[i].WaitBlock(ctx, height); err != nil {
			w.t.Fatalf("node %d is at height %d, wanted %d: %v (view %+v)", i, w.nodes[i].Head(), height, err, *w.nodes[i].view.Load())
		}
	}
}

// mint gives tokens through a node.
func (w *network) mint(i int, to types.Account, amount uint64) {
	w.t.Helper()
	r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: to, Amount: amount}
	if err := w.nodes[i].Merge(context.Background(), []*types.Record{r}); err != nil {
		w.t.Fatal(err)
	}
}
