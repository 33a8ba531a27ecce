package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/console"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

const (
	// ghostPatience is how long the key of a guest that left before it was in the
	// draw is kept: its entry may still be in a peer's pool, and who is in the
	// draw without a key can neither win nor leave. Entries are reason for a
	// block, so they do not wait long.
	ghostPatience = 10 * time.Minute
	// maxGhosts bounds the sessions taken up at a start: more guests than any
	// network allows.
	maxGhosts = 100_000
	// maxReadingHeights is for how many heights a reading that waits is reason
	// for blocks: for seventeen minutes at one a second. One whose guest is hardly
	// ever drawn, or whose host lost its key, must not keep the chain busy for ever.
	maxReadingHeights = 1_000
)

// guests is the guests this validator hosts. It belongs to the main loop. What
// each wants is kept here, and after each block brought a step nearer to the
// chain, so that nothing is lost when a record comes too late for one block.
type guests struct {
	engine   *Engine
	sessions map[types.PublicKey]*session
	waits    map[types.PublicKey]wait // readings on the chain that wait
}

// session is one guest hosted here.
type session struct {
	key     types.PrivateKey
	balance uint64
	bpm     uint64
	typed   int       // counts readings
	used    int       // the newest reading that was in a block
	left    time.Time // when it wanted to leave the draw; zero while it stays
}

// wait is a reading on the chain that waits for its guest to win.
type wait struct {
	host  types.PublicKey
	nonce uint64 // the reading came with the record before this one
	since uint64 // the height that brought it, or at which this process began
}

func (s *session) leaving() bool { return !s.left.IsZero() }

// unused reports whether a reading has not been in a block yet.
func (s *session) unused() bool { return s.typed > s.used && !s.leaving() }

func newGuests(e *Engine) *guests {
	return &guests{engine: e, sessions: map[types.PublicKey]*session{}, waits: map[types.PublicKey]wait{}}
}

// Limits implements console.Backend.
func (e *Engine) Limits() console.Limits {
	p := e.options.Genesis.Params
	return console.Limits{Guests: p.Guests, MaxGuests: int(p.MaxGuests), MaxBalance: p.MaxGuestWeight}
}

// Enter implements console.Backend.
func (e *Engine) Enter(ctx context.Context, key types.PrivateKey, balance, bpm uint64) error {
	if err := e.Ready(); err != nil {
		return err
	}
	var err error
	if lost := e.query(ctx, func() { err = e.guests.enter(key, balance, bpm) }); lost != nil {
		return lost
	}
	return err
}

// Leave implements console.Backend.
func (e *Engine) Leave(session types.PublicKey) {
	e.call(func() {
		if s := e.guests.sessions[session]; s != nil && !s.leaving() {
			s.left = time.Now()
			e.guests.tendLater(s)
		}
	})
}

var errLeaving = errors.New("this session has left: begin another")

// enter takes a reading of a new guest, or one more of a guest that is here.
func (g *guests) enter(key types.PrivateKey, balance, bpm uint64) error {
	s := g.sessions[key.Public()]
	switch {
	case s == nil:
		return g.begin(&session{key: key, balance: balance, bpm: bpm, typed: 1})
	case s.leaving():
		return errLeaving
	}
	before := *s
	s.bpm = bpm
	s.typed++
	err := g.tend(s)
	if err != nil {
		*s = before
	}
	return err
}

// begin takes a new guest. Its key is on disk before its entry is anywhere: a
// guest whose host forgot its key would stay in the draw for ever.
func (g *guests) begin(s *session) error {
	entry, err := g.sign(s, g.entry(s))
	if err != nil {
		return err
	}
	id := s.key.Public()
	seed := s.key.Seed()
	if err := g.put(storage.Change{Key: sessionKey(id), Value: seed[:]}); err != nil {
		return err
	}
	if err := g.publish(entry); err != nil {
		return errors.Join(err, g.put(storage.Change{Key: sessionKey(id)}))
	}
	g.sessions[id] = s
	return nil
}

func sessionKey(session types.PublicKey) []byte { return append([]byte{keySession}, session[:]...) }

// put writes a session's key or deletes it.
func (g *guests) put(c storage.Change) error {
	err := g.engine.options.Data.Store.Put(c)
	if err != nil {
		g.engine.die(fmt.Errorf("a guest's session cannot be written: %w", err))
	}
	return err
}

// tend puts into the pool what a session needs next: an entry for its reading,
// or its leave. There is nothing to do while the chain holds a reading that
// waits: the block built for the guest takes the newest one.
func (g *guests) tend(s *session) error {
	guest, there := g.engine.chain.state.Guest(s.key.Public())
	there = there && guest.Until == 0
	var next *types.Record
	switch {
	case s.leaving() && there:
		next = &types.Record{Type: types.Leave}
	case s.unused() && !(there && guest.Waiting):
		next = g.entry(s)
	default:
		return nil
	}
	r, err := g.sign(s, next)
	if err != nil {
		return err
	}
	return g.publish(r)
}

// tendLater tends to a session where nobody waits for the outcome: after the
// next block it is tended to again.
func (g *guests) tendLater(s *session) {
	if err := g.tend(s); err != nil {
		g.engine.log.Debug("a guest's record has to wait", "session", s.key.Public().Short(), "reason", err)
	}
}

func (g *guests) entry(s *session) *types.Record {
	return &types.Record{Type: types.Entry, Validator: g.engine.self, Amount: s.balance, BPM: s.bpm}
}

// sign completes a session's record for the state as it is. Its error says why
// the state does not admit it.
func (g *guests) sign(s *session, r *types.Record) (*types.Record, error) {
	e := g.engine
	r.Session = s.key.Public()
	r.Nonce = e.chain.state.Account(types.KeyedAccount(r.Session)).Nonce
	r.Time = e.stamp.next() // of two entries that wait, the later one counts
	r.Sign(e.network, s.key)
	return r, e.chain.state.Admit(r)
}

// publish puts a record into the pool and tells the peers of it.
func (g *guests) publish(r *types.Record) error {
	if err := g.engine.pool.Add(types.VouchRecord(r), r.Time); err != nil {
		return err
	}
	g.engine.options.Links.Broadcast(p2p.KindRecords, types.EncodeRecords([]*types.Record{r}))
	return nil
}

// anyWaits reports whether a guest has a reading on the chain that waits, in the
// draw or on the way into it, and somebody to propose it: a host that is gone is
// no reason for blocks.
func (g *guests) anyWaits() bool {
	if len(g.waits) == 0 {
		return false
	}
	head, online := g.engine.chain.head.Height, g.engine.online()
	for id, w := range g.waits {
		lost := w.host == g.engine.self && g.sessions[id] == nil
		if online[w.host] && !lost && head < w.since+maxReadingHeights {
			return true
		}
	}
	return false
}

// note looks up the readings on the chain that wait.
func (g *guests) note() {
	before := g.waits
	g.waits = map[types.PublicKey]wait{}
	if !g.engine.options.Genesis.Params.Guests {
		return
	}
	for _, guest := range g.engine.chain.state.Guests() {
		if !guest.Waiting || guest.Until != 0 {
			continue
		}
		w := wait{guest.Host, guest.Nonce, g.engine.chain.head.Height}
		if old, ok := before[guest.Session]; ok && old.nonce == guest.Nonce {
			w = old
		}
		g.waits[guest.Session] = w
	}
}

// waiting reports whether a guest hosted here has a reading for a block.
func (g *guests) waiting(winner types.PublicKey) bool {
	s := g.sessions[winner]
	return s != nil && s.unused()
}

// reading makes the record that a guest's own block holds, and applies it to
// the trial of the block. which tells the reading from others of the session.
func (g *guests) reading(winner types.PublicKey, trial *ledger.Trial) (r types.VerifiedRecord, which int, err error) {
	s := g.sessions[winner]
	account := types.KeyedAccount(winner)
	reading := &types.Record{Type: types.Reading, Sender: account, BPM: s.bpm, Nonce: trial.Account(account).Nonce, Time: types.TimeOf(time.Now())}
	reading.Sign(g.engine.network, s.key)
	r = types.VouchRecord(reading)
	return r, s.typed, trial.Apply(r)
}

// committed notes which reading of a guest hosted here a block has used.
func (g *guests) committed(x *executed) {
	if s := g.sessions[x.Block.Header.Winner]; s != nil {
		s.used = max(s.used, x.reading)
	}
}

// tendAll looks at what the newest block did for the guests, and tends to all of
// them.
func (g *guests) tendAll() {
	g.note()
	for id, s := range g.sessions {
		if g.isGone(id, s) {
			g.forget(id)
			continue
		}
		g.tendLater(s)
	}
}

// isGone reports whether a session that leaves will never be in the draw again.
func (g *guests) isGone(id types.PublicKey, s *session) bool {
	e := g.engine
	nonce := e.chain.state.Account(types.KeyedAccount(id)).Nonce
	if _, there := e.chain.state.Guest(id); there || !s.leaving() || e.pool.NextNonce(id, nonce) > nonce {
		return false
	}
	return nonce > 0 || time.Since(s.left) > ghostPatience // it was in the draw, or is not coming any more
}

func (g *guests) forget(id types.PublicKey) {
	delete(g.sessions, id)
	_ = g.put(storage.Change{Key: sessionKey(id)}) // after an error the engine is dead
}

// leaveGhosts takes up the sessions of an earlier process, whose people are
// gone, and lets them leave the draw.
func (g *guests) leaveGhosts() error {
	kept, err := g.engine.options.Data.Store.AuxRange([]byte{keySession}, nil, maxGhosts)
	if err != nil {
		return fmt.Errorf("the sessions of guests cannot be read: %w", err)
	}
	for _, k := range kept {
		if len(k.Value) != 32 {
			return fmt.Errorf("the secret of session %.32x cannot be read: %w", k.Key[1:], errDamaged)
		}
		s := &session{key: types.NewPrivateKey([32]byte(k.Value)), left: time.Now()}
		g.sessions[s.key.Public()] = s
		g.tendLater(s)
	}
	g.note()
	return nil
}
