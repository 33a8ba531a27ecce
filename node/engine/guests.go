package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/console"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// guests is the guests this validator hosts. It belongs to the main loop. What
// each wants is kept here, and after each block brought a step nearer to the
// chain, so that nothing is lost when a record comes too late for one block.
type guests struct {
	engine   *Engine
	sessions map[types.PublicKey]*session
}

// session is one guest hosted here.
type session struct {
	key     types.PrivateKey
	balance uint64
	bpm     uint64
	typed   int  // counts readings
	used    int  // the newest reading that was in a block
	built   int  // the reading in the newest block built for it
	leaving bool // it wants to leave the draw
}

// waits reports whether a reading has not been in a block yet.
func (s *session) waits() bool { return s.typed > s.used && !s.leaving }

func newGuests(e *Engine) *guests {
	return &guests{engine: e, sessions: map[types.PublicKey]*session{}}
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
		if s := e.guests.sessions[session]; s != nil {
			s.leaving = true
			e.guests.tend(s)
		}
	})
}

func (g *guests) enter(key types.PrivateKey, balance, bpm uint64) error {
	s := g.sessions[key.Public()]
	if s == nil {
		s = &session{key: key, balance: balance}
		seed := key.Seed()
		if err := g.engine.options.Data.Store.Put(storage.Change{Key: sessionKey(key.Public()), Value: seed[:]}); err != nil {
			return err
		}
	}
	s.bpm = bpm
	s.typed++
	if err := g.tend(s); err != nil {
		s.typed--
		return err
	}
	g.sessions[key.Public()] = s
	return nil
}

func sessionKey(session types.PublicKey) []byte { return append([]byte{keySession}, session[:]...) }

// tend puts into the pool what a session needs next: an entry for its reading,
// or its leave. There is nothing to do while the chain holds a reading that
// waits: the block built for the guest takes the newest one.
func (g *guests) tend(s *session) error {
	e := g.engine
	guest, there := e.chain.state.Guest(s.key.Public())
	there = there && guest.Until == 0
	switch {
	case s.leaving && there:
		return g.submit(s, &types.Record{Type: types.Leave})
	case s.waits() && !(there && guest.Waiting):
		return g.submit(s, &types.Record{Type: types.Entry, Validator: e.self, Amount: s.balance, BPM: s.bpm})
	}
	return nil
}

func (g *guests) submit(s *session, r *types.Record) error {
	e := g.engine
	r.Session = s.key.Public()
	r.Nonce = e.chain.state.Account(types.KeyedAccount(r.Session)).Nonce
	r.Time = types.TimeOf(time.Now())
	r.Sign(e.network, s.key)
	if err := e.chain.state.Admit(r); err != nil {
		return err
	}
	if err := e.pool.Add(types.VouchRecord(r), r.Time); err != nil {
		return err
	}
	e.options.Links.Broadcast(p2p.KindRecords, types.EncodeRecords([]*types.Record{r}))
	return nil
}

// anyWaits reports whether a guest has a reading on the chain that waits, in the
// draw or on the way into it, and somebody to propose it: a host that is gone is
// no reason for blocks.
func (g *guests) anyWaits() bool {
	if !g.engine.options.Genesis.Params.Guests {
		return false
	}
	var online map[types.PublicKey]bool
	for _, guest := range g.engine.chain.state.Guests() {
		if !guest.Waiting || guest.Until != 0 {
			continue
		}
		if online == nil {
			online = g.engine.online()
		}
		if online[guest.Host] {
			return true
		}
	}
	return false
}

// waiting reports whether a guest hosted here has a reading for a block.
func (g *guests) waiting(winner types.PublicKey) bool {
	s := g.sessions[winner]
	return s != nil && s.waits()
}

// reading makes the record that a guest's own block holds, and applies it to
// the trial of the block.
func (g *guests) reading(winner types.PublicKey, trial *ledger.Trial) (types.VerifiedRecord, error) {
	s := g.sessions[winner]
	account := types.KeyedAccount(winner)
	r := &types.Record{Type: types.Reading, Sender: account, BPM: s.bpm, Nonce: trial.Account(account).Nonce, Time: types.TimeOf(time.Now())}
	r.Sign(g.engine.network, s.key)
	s.built = s.typed
	v := types.VouchRecord(r)
	return v, trial.Apply(v)
}

// committed notes what a block did for the guests, and tends to all of them.
func (g *guests) committed(b *types.Block) {
	if s := g.sessions[b.Header.Winner]; s != nil {
		s.used = s.built
	}
	for id, s := range g.sessions {
		_, there := g.engine.chain.state.Guest(id)
		if s.leaving && !there && !g.entryWaits(id) {
			g.forget(id)
			continue
		}
		if err := g.tend(s); err != nil {
			g.engine.log.Debug("a guest's record has to wait", "session", id.Short(), "reason", err)
		}
	}
}

// entryWaits reports whether an entry of the guest may still reach the chain.
func (g *guests) entryWaits(id types.PublicKey) bool {
	nonce := g.engine.chain.state.Account(types.KeyedAccount(id)).Nonce
	return g.engine.pool.NextNonce(id, nonce) > nonce
}

func (g *guests) forget(id types.PublicKey) {
	delete(g.sessions, id)
	if err := g.engine.options.Data.Store.Put(storage.Change{Key: sessionKey(id)}); err != nil {
		g.engine.die(err)
	}
}

// leaveGhosts takes up the sessions of an earlier process, whose people are
// gone, and lets them leave the draw.
func (g *guests) leaveGhosts() error {
	kept, err := g.engine.options.Data.Store.AuxRange([]byte{keySession}, nil, maxGhosts)
	if err != nil {
		return err
	}
	for _, k := range kept {
		if len(k.Value) != 32 {
			return fmt.Errorf("the secret of session %x is damaged", k.Key[1:])
		}
		key := types.NewPrivateKey([32]byte(k.Value))
		s := &session{key: key, leaving: true}
		g.sessions[key.Public()] = s
		if err := g.tend(s); err != nil {
			g.engine.log.Debug("a guest's leave has to wait", "session", key.Public().Short(), "reason", err)
		}
	}
	return nil
}

// maxGhosts bounds the sessions taken up at a start: more guests than any
// network allows.
const maxGhosts = 100_000
