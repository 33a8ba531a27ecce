package consensus

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// script plays the driver of one core: each command is one event, or for "own"
// one per message signed, and what the core does is printed. Validators and
// blocks have names of one letter.
type script struct {
	t      testing.TB
	core   *Core
	set    *types.ValidatorSet
	order  testOrder
	height uint64
	blocks map[string]types.Header
	names  map[types.Hash]string
	signed []Event              // own messages to be fed back
	log    []Event              // what is on disk of the height
	resume bool                 // the next height begins with the log
	timers [TimerKinds]SetTimer // set last
	self   types.PublicKey
}

type testOrder []Turn

func (o testOrder) Len() int      { return len(o) }
func (o testOrder) At(i int) Turn { return o[i] }

func testKey(name string) (k types.PublicKey) {
	copy(k[:], name)
	return k
}

func keyName(k types.PublicKey) string { return strings.TrimRight(string(k[:]), "\x00") }

// testSet makes validators of "a:1 b:2": names and stakes.
func testSet(t testing.TB, spec []string) *types.ValidatorSet {
	var list []types.Validator
	for _, s := range spec {
		name, stake, _ := strings.Cut(s, ":")
		list = append(list, types.Validator{Name: name, Key: testKey(name), VRFKey: testKey("vrf " + name), Stake: uint64(number(t, stake))})
	}
	set, err := types.NewValidatorSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func number(t testing.TB, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatalf("%q is no number", s)
	}
	return n
}

// run executes one command and returns what the core did, a line per action.
func (s *script) run(line string) string {
	args := strings.Fields(line)
	name, args := args[0], args[1:]
	var out strings.Builder
	for _, e := range s.events(name, args) {
		for _, a := range s.core.Step(e) {
			fmt.Fprintf(&out, "  %s\n", s.note(a))
		}
	}
	if name == "view" {
		v := s.core.View()
		fmt.Fprintf(&out, "  height %d round %d step %v proposer %s locked %s@%d valid @%d\n", v.Height, v.Round, v.Step, keyName(v.Proposer), s.name(v.Locked), v.LockedRound, v.ValidRound)
	}
	return out.String()
}

func (s *script) events(name string, args []string) []Event {
	arg := func(i int) string {
		if i >= len(args) {
			s.t.Fatalf("%s %v: an argument is missing", name, args)
		}
		return args[i]
	}
	switch name {
	case "core": // self validators...
		s.self = testKey(arg(0))
		s.core = New(Config{Self: s.self, ProposeTimeout: 3 * time.Second})
		s.set = testSet(s.t, args[1:])
		s.blocks, s.names, s.signed = map[string]types.Header{}, map[types.Hash]string{}, nil
	case "restart": // the core forgets all; the next height begins with the log, unless "wiped"
		s.core, s.signed, s.resume = New(Config{Self: s.self, ProposeTimeout: 3 * time.Second}), nil, len(args) == 0
	case "height": // number order [wait]
		return []Event{s.newHeight(uint64(number(s.t, arg(0))), strings.Split(arg(1), ","), args[2:])}
	case "ready", "unready":
		return []Event{CandidateReady{Ready: name == "ready"}}
	case "candidate": // validator
		return []Event{CandidateArrived{types.Vouch(&types.Candidate{Height: s.height, Validator: testKey(arg(0))})}}
	case "pass": // validator round
		return []Event{PassArrived{types.Vouch(&types.Pass{Height: s.height, Round: uint32(number(s.t, arg(1))), Validator: testKey(arg(0))})}}
	case "proposal": // validator round block [valid round]
		return []Event{ProposalArrived{types.Vouch(s.proposal(arg(0), uint32(number(s.t, arg(1))), arg(2), args[3:]))}}
	case "prevote", "precommit": // round block validators...
		return s.votes(name, uint32(number(s.t, arg(0))), arg(1), args[2:])
	case "checked": // block valid|invalid
		h := s.blocks[arg(0)]
		return []Event{BlockChecked{Block: h.Hash(), Valid: arg(1) == "valid"}}
	case "built": // round block|none
		return []Event{s.built(uint32(number(s.t, arg(0))), arg(1))}
	case "timer": // kind
		return []Event{TimerFired{s.timer(arg(0)).Timer}}
	case "link": // validator up|down
		return []Event{LinkChanged{Validator: testKey(arg(0)), Up: arg(1) == "up"}}
	case "voting": // on|off
		return []Event{VotingAllowed{Allowed: arg(0) == "on"}}
	case "summary": // from height round [field=...]
		return []Event{s.summaryEvent(args)}
	case "own":
		signed := s.signed
		s.signed = nil
		return signed
	case "next": // messages are of the next height from here on
		s.height++
	case "view":
	default:
		s.t.Fatalf("no such command: %s", name)
	}
	return nil
}

func (s *script) newHeight(height uint64, order, rest []string) Event {
	s.height = height
	s.order = nil
	for _, o := range order { // "a", or "g@a" for a guest that a hosts
		winner, host, guest := strings.Cut(o, "@")
		if !guest {
			host = winner
		}
		s.order = append(s.order, Turn{Winner: testKey(winner), Proposer: testKey(host)})
	}
	if !s.resume {
		s.log = nil
	}
	e := NewHeight{Height: height, Validators: s.set, Order: s.order, Resume: s.log}
	s.resume = false
	if len(rest) > 0 {
		wait, err := time.ParseDuration(rest[0])
		if err != nil {
			s.t.Fatal(err)
		}
		e.Wait = wait
	}
	return e
}

// header returns the block of a name, made in the round when first spoken of.
func (s *script) header(name string, round uint32) types.Header {
	h, ok := s.blocks[name]
	if !ok {
		turn := s.order[int(round)%len(s.order)]
		h = types.Header{Height: s.height, Round: round, RecordsRoot: types.MerkleRoot(nil), Winner: turn.Winner, Proposer: turn.Proposer, Validators: s.set.Hash()}
		copy(h.State[:], name)
		s.blocks[name] = h
		s.names[h.Hash()] = name
	}
	return h
}

func (s *script) proposal(validator string, round uint32, block string, rest []string) *types.Proposal {
	p := &types.Proposal{Height: s.height, Round: round, ValidRound: types.NoRound, Header: s.header(block, round), Validator: testKey(validator)}
	if len(rest) > 0 {
		p.ValidRound = number(s.t, rest[0])
	}
	return p
}

func (s *script) hash(name string) types.Hash {
	if name == "nil" {
		return types.Hash{}
	}
	h := s.header(name, 0)
	return h.Hash()
}

func (s *script) name(h types.Hash) string {
	if h.IsZero() {
		return "nil"
	}
	return s.names[h]
}

func (s *script) votes(kind string, round uint32, block string, from []string) []Event {
	var events []Event
	for _, f := range from {
		v := &types.Vote{Kind: types.Prevote, Height: s.height, Round: round, Block: s.hash(block), Validator: testKey(f)}
		if kind == "precommit" {
			v.Kind = types.Precommit
		}
		events = append(events, VoteArrived{types.Vouch(v)})
	}
	return events
}

func (s *script) built(round uint32, block string) Event {
	if block == "none" {
		return BlockBuilt{Height: s.height, Round: round}
	}
	h := s.header(block, round)
	return BlockBuilt{Height: s.height, Round: round, Block: &h}
}

func (s *script) timer(kind string) SetTimer {
	for k := range TimerKinds {
		if TimerKind(k).String() == kind {
			return s.timers[k]
		}
	}
	s.t.Fatalf("no such timer: %s", kind)
	return SetTimer{}
}

// summaryEvent reads "b 1 0 proposal=X prevotes=ab precommits=a candidates=b
// wanted=Y pol=0:X:ab passed".
func (s *script) summaryEvent(args []string) Event {
	sum := Summary{Height: uint64(number(s.t, args[1])), Round: uint32(number(s.t, args[2])), POLRound: types.NoRound}
	for _, a := range args[3:] {
		field, value, _ := strings.Cut(a, "=")
		switch field {
		case "proposal":
			sum.Proposal = s.hash(value)
		case "passed":
			sum.Passed = true
		case "prevotes":
			sum.Prevotes = s.bitmap(value)
		case "precommits":
			sum.Precommits = s.bitmap(value)
		case "candidates":
			sum.Candidates = s.bitmap(value)
		case "wanted":
			sum.Wanted = s.hash(value)
		case "pol":
			parts := strings.Split(value, ":")
			sum.POLRound, sum.POLBlock, sum.POLPrevotes = number(s.t, parts[0]), s.hash(parts[1]), s.bitmap(parts[2])
		default:
			s.t.Fatalf("no such field of a summary: %s", field)
		}
	}
	return SummaryArrived{From: testKey(args[0]), Summary: sum}
}

func (s *script) bitmap(names string) (b Bitmap) {
	for _, n := range names {
		i, ok := s.set.Find(testKey(string(n)))
		if !ok {
			s.t.Fatalf("%c is no validator", n)
		}
		b.Set(i)
	}
	return b
}
