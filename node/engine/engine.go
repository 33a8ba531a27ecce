// Package engine drives the consensus core of one validator: it owns the clock,
// the keys and the main loop, hands events to the core and carries out what
// the core asks for.
//
// One goroutine, the main loop, owns the core and the chain. Signatures of
// records are checked by the intake goroutine, signatures of votes by the
// reader of the link they came on; the auditor reads committed heights from
// disk. Everybody else reads under Engine.mu.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

const (
	// inboxSize holds what arrives while a block is written: two votes of each
	// of a hundred validators, and as many again.
	inboxSize = 512
	// statusInterval is how often peers tell each other the height of their chain.
	statusInterval = time.Second
)

// Options is what an engine is made of. All fields but Registry are needed.
type Options struct {
	Genesis  *genesis.Genesis
	Config   *config.Config
	Keys     config.Keys
	Data     *storage.Data // stays the caller's to close, after Close
	Links    Links
	Logger   *slog.Logger
	Registry prometheus.Registerer // nil: nothing is measured
	Version  string
}

// Links is what the engine asks of the network between validators.
type Links interface {
	Send(to types.PublicKey, kind p2p.Kind, payload []byte) bool
	Broadcast(kind p2p.Kind, payload []byte)
	Peers() []p2p.PeerInfo
}

// Engine is one running validator without its listeners.
type Engine struct {
	options  Options
	self     types.PublicKey
	network  types.Hash
	log      *slog.Logger
	metrics  *metrics
	verifier types.RecordVerifier
	rule     *builder.Rule
	pool     *pool.Pool
	fates    pool.Fates
	signer   *signer
	core     *consensus.Core
	audit    *auditor
	history  history
	recent   *recent
	evidence *evidence
	watch    watch
	watching atomic.Bool // what watch says, for readers
	guests   *guests
	intake   *intake

	inbox chan consensus.Event
	calls chan func()
	stop  chan struct{}
	wg    sync.WaitGroup
	fatal atomic.Pointer[error]
	dead  chan struct{} // closed after fatal is set

	mu    sync.RWMutex // guards chain for readers outside the main loop
	chain *chain

	view      atomic.Pointer[consensus.View]
	peers     peerHeights
	readiness readiness
	filling   atomic.Bool // whether checks holds anything

	// Of the main loop alone:
	ready      bool                        // what the core was last told of our candidate
	ran        map[types.Hash]*executed    // blocks of the next height that were executed
	checks     map[types.Hash]*pendingFill // proposals that lack records
	proposals  map[types.Hash]*types.Proposal
	undecided  *types.Certificate // decided, but the block is not here yet
	fetch      fetcher
	timers     [consensus.TimerKinds]*time.Timer
	lastCommit time.Time // when this process last committed
	held       uint64    // the newest height for which the rule has held
	packNext   time.Time // when packable may look at the pool again
	stamp      stamper
}

// New makes an engine; Run starts it. The error names what is wrong: a rule
// that does not compile, or a data folder that cannot be read.
func New(o Options) (*Engine, error) {
	rule, err := builder.Compile(o.Config.Builder.When)
	if err != nil {
		return nil, fmt.Errorf("builder.when: %w", err)
	}
	chain, err := openChain(o.Genesis, o.Data.Store)
	if err != nil {
		return nil, err
	}
	network := o.Genesis.Network()
	signer, err := newSigner(o.Keys.Sign, network, o.Data.SignLog)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		options: o, self: o.Keys.Sign.Public(), network: network, log: o.Logger,
		verifier: types.RecordVerifier{Network: network, Authority: o.Genesis.Authority},
		rule:     rule, signer: signer, chain: chain, history: history{o.Data.Store},
		pool:      pool.New(o.Genesis.Authority),
		recent:    newRecent(chain.head.Height),
		inbox:     make(chan consensus.Event, inboxSize),
		calls:     make(chan func(), inboxSize),
		stop:      make(chan struct{}),
		dead:      make(chan struct{}),
		proposals: map[types.Hash]*types.Proposal{},
		ran:       map[types.Hash]*executed{},
		checks:    map[types.Hash]*pendingFill{},
	}
	if e.evidence, err = loadEvidence(o.Data.Store); err != nil {
		return nil, fmt.Errorf("the stored evidence cannot be read: %w", err)
	}
	e.core = consensus.New(consensus.Config{Self: e.self, ProposeTimeout: time.Duration(o.Config.Consensus.ProposeTimeout)})
	e.metrics = newMetrics(o.Registry, e)
	e.audit = newAuditor(e.history, o.Logger)
	e.intake = newIntake(e)
	e.guests = newGuests(e)
	e.peers.heights = map[types.PublicKey]peerStatus{}
	e.readiness.begin(len(o.Config.Peers))
	e.storeView()
	return e, nil
}

// Run starts the engine's goroutines. It returns at once.
func (e *Engine) Run() {
	e.wg.Add(2)
	go func() { defer e.wg.Done(); e.intake.run() }()
	go func() { defer e.wg.Done(); e.loop() }()
	go e.audit.run()
}

// Close stops the engine and waits until all of its goroutines have ended. What
// was committed or signed is on disk.
func (e *Engine) Close() {
	close(e.stop)
	e.wg.Wait()
	e.audit.close()
}

// Dead is closed when the engine met an error it cannot go on from; Err tells it.
func (e *Engine) Dead() <-chan struct{} { return e.dead }

// Err returns the error that stopped the engine, or nil.
func (e *Engine) Err() error {
	if err := e.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// die stops the main loop for good: the disk failed, or the chain broke a rule
// that everybody relies on. Going on would risk contradicting what was signed.
func (e *Engine) die(err error) {
	if e.fatal.CompareAndSwap(nil, &err) {
		e.log.Error("the node stops", "error", err)
		close(e.dead)
	}
}

// loop is the one goroutine that owns the core and the chain.
func (e *Engine) loop() {
	interval := time.NewTicker(time.Duration(e.options.Config.Builder.Interval))
	defer interval.Stop()
	status := time.NewTicker(statusInterval)
	defer status.Stop()
	defer e.stopTimers()
	e.begin()
	for e.Err() == nil {
		select {
		case <-e.stop:
			return
		case event := <-e.inbox:
			e.step(event)
		case call := <-e.calls:
			call()
		case <-e.pool.Changed():
			e.askRule(false)
		case <-interval.C:
			e.askRule(true)
		case <-status.C:
			e.beat()
		}
	}
}

// begin brings the core to where the process stopped: the height above the
// head, with all that the validator signed there before.
func (e *Engine) begin() {
	if e.watch.begin(e) {
		e.step(consensus.VotingAllowed{Allowed: false})
	}
	first := e.newHeight()
	first.Resume = e.signer.replay(first.Height)
	e.step(first)
	if err := e.guests.leaveGhosts(); err != nil {
		e.die(err)
		return
	}
	e.askRule(true)
}

// beat does what wants doing every second.
func (e *Engine) beat() {
	e.tellStatus()
	e.watch.check(e)
	e.fetch.check(e)
	e.readiness.check(e.chain.head.Height, e.peers.highest())
	e.expire()
}

// post hands an event to the main loop; it waits while the inbox is full, so
// that a peer that sends faster than we decide is slowed down by its own link.
func (e *Engine) post(event consensus.Event) {
	select {
	case e.inbox <- event:
	case <-e.stop:
	case <-e.dead:
	}
}

// call runs f on the main loop, some time later.
func (e *Engine) call(f func()) {
	select {
	case e.calls <- f:
	case <-e.stop:
	case <-e.dead:
	}
}

// query runs f on the main loop and waits for it.
func (e *Engine) query(ctx context.Context, f func()) error {
	done := make(chan struct{})
	e.call(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.stop:
		return errStopping
	case <-e.dead:
		return errStopping
	}
}

// step hands one event to the core and carries out all that follows from it.
func (e *Engine) step(event consensus.Event) {
	events := []consensus.Event{event}
	for len(events) > 0 && e.Err() == nil {
		actions := e.core.Step(events[0])
		events = events[1:]
		for _, action := range actions {
			events = append(events, e.carryOut(action)...)
		}
	}
	e.storeView()
}

func (e *Engine) storeView() {
	v := e.core.View()
	e.view.Store(&v)
}

// newHeight is the event that begins the height above the head.
func (e *Engine) newHeight() consensus.NewHeight {
	var wait time.Duration
	if !e.lastCommit.IsZero() {
		wait = max(0, time.Duration(e.options.Config.Consensus.MinBlockInterval)-time.Since(e.lastCommit))
	}
	return consensus.NewHeight{
		Height: e.chain.head.Height + 1, Validators: e.chain.next.set,
		Order: order{e.chain.next}, Wait: wait,
	}
}

func (e *Engine) stopTimers() {
	for _, t := range e.timers {
		if t != nil {
			t.Stop()
		}
	}
}
