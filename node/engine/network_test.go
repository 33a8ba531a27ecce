package engine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// network is several engines in one process whose links are queues in memory,
// so that a test can cut them and listen in.
type network struct {
	t       testing.TB
	genesis *genesis.Genesis
	nodes   []*testNode
	guilty  bool // contradicting votes are part of the test
}

// testNode is one validator's place: an engine, a script that plays it, or nothing.
type testNode struct {
	*Engine
	network  *network
	index    int
	keys     config.Keys
	config   config.Config
	data     *storage.Data
	links    *memoryLinks
	log      *logbook
	said     sayings
	registry prometheus.Registerer
	live     atomic.Pointer[peerEnd] // who takes messages; nil when down
	tune     func(*Engine)           // changes the engine before it runs
}

// peerEnd is what takes a node's messages.
type peerEnd struct{ p2p.Handler }

// bubble runs a test whose time is not the machine's: it goes on when all
// goroutines wait, so that a second costs nothing and no load makes a test late.
// Goroutines that are left at its end fail the test.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func seed(text string) types.PrivateKey { return forge.Key(text) }

// open is an open account.
func open(t testing.TB, n int) types.Account {
	t.Helper()
	a, err := types.ParseAccount(fmt.Sprintf("%08d-1111-4111-8111-111111111111", n))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newNetwork makes a network with these stakes and starts it; change may alter
// genesis and configs before.
func newNetwork(t testing.TB, stakes []uint64, change func(*genesis.Genesis, []*config.Config)) *network {
	t.Helper()
	w := prepareNetwork(t, stakes, change)
	for i := range w.nodes {
		w.start(i)
	}
	quiet(2 * watchEcho) // they have heard from each other, and vote
	return w
}

// prepareNetwork makes a network and starts nothing.
func prepareNetwork(t testing.TB, stakes []uint64, change func(*genesis.Genesis, []*config.Config)) *network {
	t.Helper()
	w := &network{t: t, genesis: &genesis.Genesis{ // with this nonce and four validators, the last does not win the first heights
		Name: "test", Nonce: types.SumHash([]byte("b")), Time: types.TimeOf(time.Now()), Authority: seed("authority").Public(),
		Params: genesis.Params{BlockReward: 1, Faucet: true, FaucetMax: 1_000_000, OpenAccounts: true, Guests: true, MaxGuests: 10, MaxGuestWeight: 1000},
	}}
	for i, stake := range stakes {
		n := w.addNode()
		w.genesis.Validators = append(w.genesis.Validators, genesis.Validator{
			Name: n.config.Name, Key: n.keys.Sign.Public(), VRFKey: n.keys.VRF.Public(), Stake: stake})
		for _, other := range w.nodes[:i] {
			n.knows(other)
			other.knows(n)
		}
	}
	if change != nil {
		var configs []*config.Config
		for _, n := range w.nodes {
			configs = append(configs, &n.config)
		}
		change(w.genesis, configs)
	}
	t.Cleanup(w.end)
	return w
}

// addNode makes a place for one more node, while no other runs or all wait: what they
// send looks for its receiver among the nodes.
func (w *network) addNode() *testNode {
	i := len(w.nodes)
	n := &testNode{
		network: w, index: i, log: &logbook{}, said: sayings{said: map[string]bool{}},
		keys: forge.KeysOf(fmt.Sprint("v", i)),
		config: config.Config{
			Name: fmt.Sprintf("v%d", i), Listen: config.Listen{P2P: "-", API: "-"},
			Builder:   config.Builder{When: "pool.size >= 1", Interval: config.Duration(20 * time.Millisecond), MaxRecords: 1000, MaxBytes: 1 << 20},
			Consensus: config.Consensus{ProposeTimeout: config.Duration(300 * time.Millisecond)},
		},
	}
	n.newDisk()
	n.links = newMemoryLinks(n)
	w.nodes = append(w.nodes, n)
	return n
}

func (n *testNode) key() types.PublicKey { return n.keys.Sign.Public() }

func (n *testNode) knows(other *testNode) {
	n.config.Peers = append(n.config.Peers, config.Peer{Name: other.config.Name, Key: other.key(), Address: "-"})
}

// make makes the node's engine, but does not run it.
func (n *testNode) make() error {
	level := slog.LevelError + 1
	if os.Getenv("POSNET_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	text := slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})
	e, err := New(Options{
		Genesis: n.network.genesis, Config: &n.config, Keys: n.keys, Data: n.data, Links: n.links, Version: "test", Registry: n.registry,
		Logger: slog.New(n.log.beside(text)).With("node", n.config.Name),
	})
	n.Engine = e
	return err
}

// start runs the engine of a node that is down.
func (w *network) start(i int) {
	w.t.Helper()
	n := w.nodes[i]
	if err := n.make(); err != nil {
		w.t.Fatal(err)
	}
	if n.tune != nil {
		n.tune(n.Engine)
	}
	n.Run()
	w.linkUp(n, n.Engine)
}

// give puts the newest of forged blocks onto the disk of a node that is down.
func (w *network) give(i int, forged *forge.Chain) {
	w.t.Helper()
	c, err := openChain(w.genesis, w.nodes[i].data.Store)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range forged.Blocks[c.head.Height:] {
		x, err := c.execute(b.Header, vouched(b.Records))
		if err != nil {
			w.t.Fatal(err)
		}
		change, err := c.advance(x, b.Encode(), b.Certificate.Encode())
		if err == nil {
			err = c.write(change)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func vouched(records []*types.Record) []types.VerifiedRecord {
	out := make([]types.VerifiedRecord, len(records))
	for i, r := range records {
		out[i] = types.VouchRecord(r)
	}
	return out
}

// play lets a script take the place of an engine.
func (w *network) play(i int, s *script) {
	s.node = w.nodes[i]
	w.linkUp(w.nodes[i], s)
}

func (w *network) linkUp(n *testNode, h p2p.Handler) {
	n.live.Store(&peerEnd{h})
	for _, other := range w.nodes {
		if end := other.live.Load(); other != n && end != nil && n.links.reaches(other) {
			h.LinkUp(other.key())
			end.LinkUp(n.key())
		}
	}
}

// stop ends a node; what it had on disk stays.
func (w *network) stop(i int) {
	n := w.nodes[i]
	end := n.live.Swap(nil)
	if end == nil {
		return
	}
	for _, other := range w.nodes {
		if at := other.live.Load(); other != n && at != nil {
			at.LinkDown(n.key())
		}
	}
	if end.Handler == p2p.Handler(n.Engine) {
		n.Close()
	}
	n.links.drop()
}

// end stops all nodes, and checks what must be true of every network.
func (w *network) end() {
	for i := range w.nodes {
		w.stop(i)
	}
	for _, n := range w.nodes {
		n.links.close()
	}
	w.checkSame()
	for _, n := range w.nodes {
		if n.Engine != nil && !w.guilty && n.evidence.count() > 0 {
			w.t.Errorf("%s holds evidence against an honest validator", n.config.Name)
		}
	}
}

// checkSame checks that no two nodes have different blocks at one height.
func (w *network) checkSame() {
	blocks := map[uint64][]byte{}
	for _, n := range w.nodes {
		for height := n.data.Store.Oldest(); height <= n.data.Store.Head(); height++ {
			block, _, err := n.data.Store.Block(height)
			if err != nil {
				w.t.Error(err)
			}
			if other, ok := blocks[height]; ok && !bytes.Equal(block, other) {
				w.t.Errorf("two nodes have different blocks at height %d", height)
			}
			blocks[height] = block
		}
	}
}

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// await waits until nodes have a height.
func (w *network) await(height uint64, nodes ...int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for _, i := range nodes {
		if err := w.nodes[i].WaitBlock(ctx, height); err != nil {
			w.t.Fatalf("node %d is at height %d, wanted %d: %v (view %+v)", i, w.nodes[i].Head(), height, err, *w.nodes[i].view.Load())
		}
	}
}

// until waits for what must come true.
func (w *network) until(what string, holds func() bool) {
	w.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !holds(); <-look.C {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// settle waits until nodes are at one height with an empty pool.
func (w *network) settle(nodes ...int) (head uint64) {
	w.t.Helper()
	w.until("the nodes settle on one height", func() bool {
		head = w.nodes[nodes[0]].Head()
		same := true
		for _, i := range nodes {
			same = same && w.nodes[i].Head() == head && w.nodes[i].PoolSize().Records == 0
		}
		return same
	})
	return head
}

// quiet waits for a while and returns when nothing is under way any more.
func quiet(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// mint gives tokens through a node.
func (w *network) mint(i int, to types.Account, amount uint64) types.Hash {
	w.t.Helper()
	r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: to, Amount: amount}
	if err := w.nodes[i].Merge(w.t.Context(), []*types.Record{r}); err != nil {
		w.t.Fatal(err)
	}
	return r.ID()
}

// grow commits blocks, each with a mint through node i, and waits for the others.
func (w *network) grow(blocks, i int, nodes ...int) {
	w.t.Helper()
	for range blocks {
		height := w.nodes[i].Head() + 1
		w.mint(i, open(w.t, 1), 1)
		w.await(height, append(nodes, i)...)
	}
}

// status returns a node's status.
func (w *network) status(i int) (s struct {
	Height      uint64
	Voting      bool
	Ready       bool
	NotReady    string
	Evidence    int
	Guests      int
	OnlineStake uint64
}) {
	w.t.Helper()
	status, err := w.nodes[i].Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	s.Height, s.Voting, s.Ready, s.NotReady = status.Height, status.Voting, status.Ready, status.NotReady
	s.Evidence, s.Guests, s.OnlineStake = status.Evidence, status.Guests, status.OnlineStake
	return s
}
