package consensus

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// chaos drives a core with whatever comes to mind, and keeps the sign log that
// a driver would keep.
type chaos struct {
	t      *rapid.T
	core   *Core
	set    *types.ValidatorSet
	self   types.PublicKey
	order  testOrder
	height uint64

	blocks []types.Header // some of which were due
	log    []Event        // own messages of this height, with their locks
	asked  map[purpose]types.Hash
	seen   map[purpose]map[types.PublicKey]map[types.Hash]bool // votes the core was given
	own    []Event                                             // not fed back yet
	timers []Timer
	checks []types.Hash
	voting bool
}

type purpose struct {
	height uint64
	round  uint32
	kind   types.VoteKind // 0: a proposal
}

const chaosRounds = 6

func newChaos(t *rapid.T) *chaos {
	c := &chaos{t: t, self: testKey("v0"), voting: true, asked: map[purpose]types.Hash{}, seen: map[purpose]map[types.PublicKey]map[types.Hash]bool{}}
	c.set, _ = drawSet(t)
	for range rapid.IntRange(1, 5).Draw(t, "order") {
		key := c.set.At(rapid.IntRange(0, c.set.Len()-1).Draw(t, "turn")).Key
		c.order = append(c.order, Turn{Winner: key, Proposer: key})
	}
	c.core = New(Config{Self: c.self, ProposeTimeout: time.Second})
	c.newHeight()
	return c
}

func (c *chaos) newHeight() {
	c.height++
	c.log, c.own, c.checks, c.blocks = nil, nil, nil, nil
	for round := range uint32(chaosRounds) {
		turn := c.order[int(round)%len(c.order)]
		for twin := range byte(2) { // two blocks of each turn, one of which nobody ordered
			h := types.Header{Height: c.height, Round: round, State: types.Hash{twin}, RecordsRoot: types.MerkleRoot(nil), Winner: turn.Winner, Proposer: turn.Proposer, Validators: c.set.Hash()}
			c.blocks = append(c.blocks, h)
		}
	}
	c.begin()
}

func (c *chaos) begin() {
	for _, e := range c.log {
		if v, ok := e.(VoteArrived); ok {
			c.saw(v.Vote.Value())
		}
	}
	wait := rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(c.t, "wait")
	c.step(NewHeight{Height: c.height, Validators: c.set, Order: c.order, Wait: wait, Resume: c.log})
}

// restart begins anew with the sign log.
func (c *chaos) restart() {
	c.core = New(Config{Self: c.self, ProposeTimeout: time.Second})
	c.own, c.timers, c.checks = nil, nil, nil
	if !c.voting {
		c.step(VotingAllowed{Allowed: false})
	}
	c.begin()
}

func (c *chaos) step(e Event) {
	if v, ok := e.(VoteArrived); ok && v.Vote.Value() != nil {
		c.saw(v.Vote.Value())
	}
	for _, a := range c.core.Step(e) {
		c.act(a)
	}
	c.bounded()
}

func (c *chaos) saw(v *types.Vote) {
	p := purpose{v.Height, v.Round, v.Kind}
	if c.seen[p] == nil {
		c.seen[p] = map[types.PublicKey]map[types.Hash]bool{}
	}
	if c.seen[p][v.Validator] == nil {
		c.seen[p][v.Validator] = map[types.Hash]bool{}
	}
	c.seen[p][v.Validator][v.Block] = true
}

func (c *chaos) act(action Action) {
	switch a := action.(type) {
	case SignVote:
		c.signVote(a)
	case SignProposal:
		c.once(purpose{c.height, a.Proposal.Round, 0}, a.Proposal.Block())
		e := ProposalArrived{types.Vouch(a.Proposal)}
		c.log, c.own = append(c.log, e), append(c.own, e)
	case SignCandidate:
		c.mayVote()
		c.own = append(c.own, CandidateArrived{types.Vouch(&types.Candidate{Height: a.Height, Validator: c.self})})
	case SignPass:
		c.mayVote()
		c.own = append(c.own, PassArrived{types.Vouch(&types.Pass{Height: a.Height, Round: a.Round, Validator: c.self})})
	case SetTimer:
		c.timers = append(c.timers, a.Timer)
	case CheckBlock:
		c.checks = append(c.checks, a.Proposal.Block())
	case Decide:
		if !c.quorum(purpose{c.height, a.Certificate.Round, types.Precommit}, a.Certificate.Block) {
			c.t.Fatalf("decided %v without a quorum", a.Certificate)
		}
	}
}

func (c *chaos) signVote(a SignVote) {
	if a.Height != c.height {
		c.t.Fatalf("asked to sign %+v at height %d", a, c.height)
	}
	c.once(purpose{c.height, a.Round, a.Kind}, a.Block)
	v := VoteArrived{types.Vouch(&types.Vote{Kind: a.Kind, Height: a.Height, Round: a.Round, Block: a.Block, Validator: c.self})}
	if a.Kind == types.Precommit && !a.Block.IsZero() {
		if !c.quorum(purpose{c.height, a.Round, types.Prevote}, a.Block) {
			c.t.Fatalf("precommit %+v without a quorum of prevotes", a)
		}
		if a.Lock == nil || a.Lock.Proposal.Value().Block() != a.Block {
			c.t.Fatalf("precommit %+v without its proposal", a)
		}
		c.log = append(c.log, ProposalArrived{a.Lock.Proposal})
		for _, p := range a.Lock.Prevotes {
			c.log = append(c.log, VoteArrived{p})
		}
	}
	c.log, c.own = append(c.log, v), append(c.own, v)
}

// once fails if the core asks twice for the same purpose, in one life or after
// a restart.
func (c *chaos) once(p purpose, block types.Hash) {
	c.mayVote()
	if old, ok := c.asked[p]; ok {
		c.t.Fatalf("asked for %+v twice: %s and %s", p, old.Short(), block.Short())
	}
	c.asked[p] = block
}

func (c *chaos) mayVote() {
	if _, ok := c.set.Find(c.self); !ok || !c.voting {
		c.t.Fatal("asked to sign, and may not")
	}
}

func (c *chaos) quorum(p purpose, block types.Hash) bool {
	var stake uint64
	for _, v := range c.set.List() {
		if c.seen[p][v.Key][block] {
			stake += v.Stake
		}
	}
	return 3*stake > 2*c.set.Total()
}

// bounded fails if the core keeps more than it needs.
func (c *chaos) bounded() {
	k := c.core
	if most := 3*(roundsAhead+roundsPast) + 8; len(k.rounds) > most || len(k.blocks) > most {
		c.t.Fatalf("%d rounds and %d blocks are kept", len(k.rounds), len(k.blocks))
	}
	if len(k.early.events) > earlyTotal || len(k.beat.answered) > answeredPeers {
		c.t.Fatalf("%d early events and %d peers are kept", len(k.early.events), len(k.beat.answered))
	}
}

// event draws one event, more or less to the point.
func (c *chaos) event() Event {
	t := c.t
	who := c.set.At(rapid.IntRange(0, c.set.Len()-1).Draw(t, "who")).Key
	height := c.height + rapid.SampledFrom([]uint64{0, 0, 0, 0, 0, 1, 2}).Draw(t, "height")
	round := rapid.OneOf(rapid.Uint32Range(0, chaosRounds-1), rapid.SampledFrom([]uint32{17, 40, 1 << 20})).Draw(t, "round")
	h := rapid.SampledFrom(c.blocks).Draw(t, "block")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		return CandidateArrived{types.Vouch(&types.Candidate{Height: height, Validator: who})}
	case 1:
		return PassArrived{types.Vouch(&types.Pass{Height: height, Round: round, Validator: who})}
	case 2, 3:
		return c.proposal(h, round)
	case 4:
		return LinkChanged{Validator: who, Up: rapid.Bool().Draw(t, "up")}
	case 5:
		return SummaryArrived{From: who, Summary: drawSummary(t)}
	case 6:
		return CandidateReady{Ready: rapid.Bool().Draw(t, "ready")}
	case 7:
		return BlockBuilt{Height: height, Round: round, Block: rapid.SampledFrom([]*types.Header{nil, &h}).Draw(t, "built")}
	}
	v := &types.Vote{Kind: types.VoteKind(rapid.IntRange(0, 3).Draw(t, "kind")), Height: height, Round: round, Validator: who, Block: h.Hash()}
	if rapid.IntRange(0, 2).Draw(t, "nil") == 0 {
		v.Block = types.Hash{}
	}
	if who == c.self {
		return LinkChanged{Validator: who, Up: true} // nobody else signs in this node's name
	}
	return VoteArrived{types.Vouch(v)}
}

func (c *chaos) proposal(h types.Header, round uint32) Event {
	p := &types.Proposal{Height: h.Height, Round: h.Round, ValidRound: types.NoRound, Header: h}
	if round > h.Round {
		p.Round, p.ValidRound = round, rapid.Int64Range(-1, int64(round)).Draw(c.t, "valid round")
	}
	p.Validator = c.order[int(p.Round)%len(c.order)].Proposer
	if p.Validator == c.self {
		return TimerFired{} // as above
	}
	return ProposalArrived{types.Vouch(p)}
}

// TestCoreUnderChaos gives the core what comes, in any order: it never panics,
// never asks twice for a signature, never precommits or decides without a
// quorum, and never keeps too much.
func TestCoreUnderChaos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newChaos(t)
		t.Repeat(map[string]func(*rapid.T){
			"event": func(*rapid.T) { c.step(c.event()) },
			"votes": func(t *rapid.T) { c.everybody() },
			"own": func(t *rapid.T) {
				if len(c.own) > 0 {
					e := c.own[0]
					c.own = c.own[1:]
					c.step(e)
				}
			},
			"timer": func(t *rapid.T) {
				if len(c.timers) > 0 {
					c.step(TimerFired{rapid.SampledFrom(c.timers).Draw(t, "timer")})
				}
			},
			"checked": func(t *rapid.T) {
				if len(c.checks) > 0 {
					c.step(BlockChecked{Block: rapid.SampledFrom(c.checks).Draw(t, "checked"), Valid: rapid.IntRange(0, 4).Draw(t, "valid") > 0})
				}
			},
			"voting": func(t *rapid.T) {
				c.voting = rapid.IntRange(0, 3).Draw(t, "voting") > 0
				c.step(VotingAllowed{Allowed: c.voting})
			},
			"height":  func(t *rapid.T) { c.newHeight() },
			"restart": func(t *rapid.T) { c.restart() },
		})
	})
}

// everybody lets all others cast the same vote in the round at work, without
// which chance would seldom make a quorum.
func (c *chaos) everybody() {
	round := uint32(c.core.round)
	block := types.Hash{}
	if p := c.core.findRound(c.core.round); p != nil && p.proposed() != nil && rapid.IntRange(0, 3).Draw(c.t, "for it") > 0 {
		block = p.proposed().Block()
	}
	kind := rapid.SampledFrom([]types.VoteKind{types.Prevote, types.Precommit}).Draw(c.t, "kind")
	for _, v := range c.set.List() {
		if v.Key != c.self {
			c.step(VoteArrived{types.Vouch(&types.Vote{Kind: kind, Height: c.height, Round: round, Block: block, Validator: v.Key})})
		}
	}
}

// TestIdleCoreSignsNothing: without a candidate, a proposal or a vote there is
// nothing to sign, whatever else happens.
func TestIdleCoreSignsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newChaos(t)
		for range 50 {
			switch e := c.event().(type) {
			case LinkChanged, SummaryArrived, PassArrived, BlockBuilt:
				c.step(e)
			}
			if len(c.timers) > 0 {
				c.step(TimerFired{rapid.SampledFrom(c.timers).Draw(t, "timer")})
			}
		}
		if len(c.own) > 0 || c.core.underWay() {
			t.Fatalf("signed %d messages", len(c.own))
		}
	})
}
