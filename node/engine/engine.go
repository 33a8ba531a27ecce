// Package engine drives the consensus core of one validator: it owns the clock,
// the keys and the main loop, hands events to the core and carries out what
// the core asks for.
//
// One goroutine, the main loop, owns the core and the chain; it waits for nothing
// but the disk. Signatures of records are checked by the intake goroutine,
// signatures of votes and of fetched blocks by the reader of the link they came
// on; the auditor reads committed heights from disk. These hand events and calls
// to the main loop, and wait while it has too many. Everybody else reads under
// Engine.mu.
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
	pruner   *pruner
	keeper   *keeper
	history  history
	recent   *recent
	evidence *evidence
	watch    watch
	watching atomic.Bool // whether watch keeps this validator silent, for all to read
	guests   *guests
	intake   *intake
	throttle *throttle

	inbox  chan consensus.Event
	calls  chan func()
	begun  chan struct{}   // holds one: a height has begun, and the rule is to be asked
	ctx    context.Context // ends with Close, or when the engine dies
	cancel context.CancelFunc
	wg     sync.WaitGroup
	fatal  atomic.Pointer[error]
	dead   chan struct{} // closed after fatal is set

	mu    sync.RWMutex // guards chain for readers outside the main loop
	chain *chain

	view       atomic.Pointer[consensus.View]
	peers      *peerBook
	ahead      atomic.Uint64 // the newest height beyond the one under way that somebody spoke of
	readiness  readiness
	complaints complaints
	stamp      stamper
	fills      fills
	fetch      fetcher
	join       joiner

	// Of the main loop alone:
	ready      bool // what the core was last told of our candidate
	works      works
	undecided  *types.Certificate // decided, but the block is not here yet
	timers     [consensus.TimerKinds]*time.Timer
	lastCommit time.Time     // when the head was committed; zero before the first block
	lastTook   time.Duration // from the block before to the head
	held       uint64        // the newest height for which the rule has held
	packNext   time.Time     // when packable may look at the pool again
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
	if err := o.Data.Store.Unstage(); err != nil { // of a snapshot that the last process did not get whole
		return nil, err
	}
	network := o.Genesis.Network()
	if err := (history{o.Data.Store}).whole(); err != nil {
		return nil, err
	}
	signer, err := newSigner(o.Keys.Sign, network, o.Data.SignLog, chain.head.Height+1)
	if err != nil {
		return nil, err
	}
	if err := checkLoss(o, chain, signer.highest()); err != nil {
		return nil, err
	}
	evidence, err := loadEvidence(o.Data.Store)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		options: o, self: o.Keys.Sign.Public(), network: network, log: o.Logger,
		verifier: types.RecordVerifier{Network: network, Authority: o.Genesis.Authority},
		rule:     rule, signer: signer, chain: chain, history: history{o.Data.Store}, evidence: evidence,
		pool:   pool.New(o.Genesis.Authority),
		recent: newRecent(chain.head.Height),
		peers:  newPeerBook(),
		inbox:  make(chan consensus.Event, inboxSize),
		calls:  make(chan func(), inboxSize),
		begun:  make(chan struct{}, 1),
		dead:   make(chan struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.lastCommit = e.headTime()
	e.core = consensus.New(consensus.Config{Self: e.self, ProposeTimeout: time.Duration(o.Config.Consensus.ProposeTimeout)})
	e.metrics = newMetrics(o.Registry, e)
	e.audit = newAuditor(e.history, o.Logger)
	e.pruner = newPruner()
	e.keeper = newKeeper(e.history, o.Links, o.Logger)
	e.intake = newIntake(e)
	e.throttle = newThrottle()
	e.guests = newGuests(e)
	e.readiness.begin(len(o.Config.Peers))
	e.watching.Store(o.Data.SignLog.Fresh())
	e.storeView()
	return e, nil
}

// checkLoss finds a data folder that has lost its newest blocks: the validator
// has signed above the height that follows its head. The other nodes have them;
// a validator that is a quorum by itself would stand still for ever, for it does
// not contradict what it signed.
func checkLoss(o Options, c *chain, signed uint64) error {
	if signed <= c.head.Height+1 {
		return nil
	}
	if v, ok := c.next.Set.ByKey(o.Keys.Sign.Public()); ok && c.next.Set.IsQuorum(v.Stake) {
		return fmt.Errorf("the data folder has lost its newest blocks: this validator has signed at height %d, its chain ends with block %d, and no other node has the rest: put the files back, or remove the data folder, and with it the chain",
			signed, c.head.Height)
	}
	o.Logger.Warn("the data folder has lost its newest blocks: they are fetched from the other nodes", "signed", signed, "head", c.head.Height)
	return nil
}

// Run starts the engine's goroutines. It returns at once.
func (e *Engine) Run() {
	e.wg.Go(e.intake.run)
	e.wg.Go(e.loop)
	e.wg.Go(func() { e.keeper.run(e.ctx) })
	if e.options.Config.Storage.KeepBlocks > 0 {
		e.wg.Go(func() { e.prune(e.ctx) })
	}
	go e.audit.run()
}

// Close stops the engine and waits until all of its goroutines have ended. What
// was committed or signed is on disk.
func (e *Engine) Close() {
	e.cancel()
	e.wg.Wait()
	e.keeper.close()
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
		e.cancel()
	}
}

// stopping reports whether the engine was closed, or died.
func (e *Engine) stopping() bool { return e.ctx.Err() != nil }

// loop is the one goroutine that owns the core and the chain.
func (e *Engine) loop() {
	interval := time.NewTicker(time.Duration(e.options.Config.Builder.Interval))
	defer interval.Stop()
	status := time.NewTicker(statusInterval)
	defer status.Stop()
	defer e.stopTimers()
	e.begin()
	for !e.stopping() {
		select {
		case <-e.ctx.Done():
			return
		case event := <-e.inbox:
			e.step(event)
		case call := <-e.calls:
			call()
		case <-e.begun:
			e.askRule(false)
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
	if err := e.keeper.take(e.chain.settled()); err != nil {
		e.die(err)
		return
	}
	if e.watch.begin(e) {
		e.step(consensus.VotingAllowed{Allowed: false})
	}
	e.step(e.newHeight())
	if err := e.guests.leaveGhosts(); err != nil {
		e.die(err)
		return
	}
	e.askRule(true)
}

// beat does what wants doing every second.
func (e *Engine) beat() {
	e.tellStatus()
	e.fetch.advance(e)
	e.watch.check(e)
	e.checkReadiness()
	e.expire()
	e.askRule(false) // where the pool could not be looked at when it changed
}

// post hands an event to the main loop; it waits while the inbox is full, so
// that a peer that sends faster than we decide is slowed down by its own link.
func (e *Engine) post(event consensus.Event) {
	select {
	case e.inbox <- event:
	case <-e.ctx.Done():
	}
}

// call runs f on the main loop, some time later. The main loop itself never
// calls it: it could wait for room that only it can make.
func (e *Engine) call(f func()) {
	select {
	case e.calls <- f:
	case <-e.ctx.Done():
	}
}

// query runs f on the main loop and waits for it.
func (e *Engine) query(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case e.calls <- func() { f(); close(done) }:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ctx.Done():
		return errStopping
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ctx.Done():
		return errStopping
	}
}

// step hands one event to the core and carries out all that follows from it.
// Once the disk has failed nothing more is carried out, not even what the core
// asked for in the same breath.
func (e *Engine) step(event consensus.Event) {
	events := []consensus.Event{event}
	for len(events) > 0 {
		actions := e.core.Step(events[0])
		e.throttle.see(e.core.Doing())
		events = events[1:]
		for _, action := range actions {
			if e.Err() != nil {
				return
			}
			events = append(events, e.carryOut(action)...)
		}
	}
	e.storeView()
}

func (e *Engine) storeView() {
	v := e.core.View()
	e.view.Store(&v)
}

// newHeight is the event that begins the height above the head. If this process
// was stopped there before, the sign log is part of it.
func (e *Engine) newHeight() consensus.NewHeight {
	e.throttle.begin()
	height := e.chain.head.Height + 1
	event := consensus.NewHeight{
		Height: height, Validators: e.chain.next.Set, Order: order{e.chain.next}, Resume: e.signer.replay(height),
	}
	if !e.lastCommit.IsZero() {
		event.Wait = max(0, time.Duration(e.options.Config.Consensus.MinBlockInterval)-time.Since(e.lastCommit))
	}
	return event
}

// headTime tells when the head was committed, where this process did not see
// it: when it was made, but not in the future. It is zero for genesis.
func (e *Engine) headTime() time.Time {
	if e.chain.head.Height == 0 {
		return time.Time{}
	}
	if at := e.chain.head.Time.Std(); at.Before(time.Now()) {
		return at
	}
	return time.Now()
}

func (e *Engine) stopTimers() {
	for _, t := range e.timers {
		if t != nil {
			t.Stop()
		}
	}
}
