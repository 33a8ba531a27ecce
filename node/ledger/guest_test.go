package ledger

import (
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

func TestGuests(t *testing.T) {
	inDraw := []types.VerifiedRecord{entry(eve, alice, 10, 70, 0)}
	for _, sc := range []scenario{
		{name: "entries and readings", steps: []step{
			ok(entry(eve, alice, 10, 70, 0)),
			ok(entry(eve, alice, 10, 71, 1)),
			no(entry(eve, alice, 11, 71, 2), "balance is 11: the guest is in the draw with 10, which stays as long as the session lasts"),
			no(entry(eve, bob, 10, 71, 2), "validator is 00000002: the session is hosted by 00000001 as long as it lasts"),
			no(entry(eve, alice, 10, 71, 1), "nonce is 1: it was used, the next of 00000033 is 2"),
			later(entry(eve, alice, 10, 71, 3), "nonce is 3: the next of 00000033 is 2, and the record has to wait until those between have come"),
		}},
		{name: "who may not enter", steps: []step{
			never(entry(eve, alice, 101, 70, 0), "balance is 101: a guest of this network may bring at most 100"),
			no(entry(eve, carol, 10, 70, 0), "validator is 0000000b, which is no validator: the host of a guest must be one"),
			no(entry(bob, alice, 10, 70, 0), "session is the key of a validator: a guest must have its own"),
			ok(stake(carol, "carol", 5, 0)),
			no(entry(carol, alice, 10, 70, 0), "session is the key of a validator: a guest must have its own"),
			ok(entry(eve, carol, 10, 70, 0)),
			ok(stake(bob, "bob", 0, 1)),
			no(entry(frank, bob, 10, 70, 0), "validator is 00000002, which is no validator: the host of a guest must be one"),
		}},
		{name: "no guests here", network: func(g *genesis.Genesis) { g.Params.Guests = false }, steps: []step{
			never(entry(eve, alice, 10, 70, 0), "type is entry: this network takes no guests into its draw"),
			no(leave(eve, 0), "session is no guest in the draw: there is nothing to leave"),
		}},
		{name: "places", steps: []step{
			ok(entry(eve, alice, 10, 70, 0)),
			ok(entry(frank, alice, 10, 70, 0)),
			no(entry(52, alice, 10, 70, 0), "session finds no place: 2 guests are in the draw, as many as this network takes"),
			ok(entry(frank, alice, 10, 71, 1)),
			ok(leave(eve, 1)),
			ok(entry(52, alice, 10, 70, 0)),
		}},
		{name: "leaving frees the place at once", before: append(inDraw, entry(frank, alice, 10, 70, 0)), steps: []step{
			ok(leave(eve, 1)),
			no(leave(eve, 2), "session is no guest in the draw: there is nothing to leave"),
			no(entry(eve, alice, 10, 70, 2), "session is leaving the draw: a new session has to have a new key"),
			ok(entry(52, alice, 10, 70, 0)),
		}},
		{name: "the weight that a draw takes", network: func(g *genesis.Genesis) {
			g.Params.MaxGuests, g.Params.MaxGuestWeight = 2000, types.MaxAmount
		}, steps: heavyGuests()},
		{name: "a guest's reading is for the block it wins", before: inDraw, steps: []step{
			no(reading(keyed(eve), 70, 1), "author is a guest in the draw, whose readings come as entries: one is put into the block that the guest wins"),
		}},
		{name: "guests leave with their host", before: inDraw, steps: []step{
			ok(entry(frank, alice, 10, 70, 0)),
			ok(stake(alice, "alice", 0, 0)),
			no(leave(eve, 1), "session is no guest in the draw: there is nothing to leave"),
			no(leave(frank, 1), "session is no guest in the draw: there is nothing to leave"),
			ok(stake(alice, "alice", 5, 1)),
			ok(entry(frank, alice, 10, 70, 1)),
			ok(entry(52, alice, 10, 70, 0)),
		}},
	} {
		t.Run(sc.name, sc.run)
	}
}

// heavyGuests fill a draw up to the weight it takes.
func heavyGuests() []step {
	var steps []step
	const most = lottery.MaxTotal / types.MaxAmount
	for i := range int(most - 1) {
		steps = append(steps, ok(entry(100+i, alice, types.MaxAmount, 70, 0)))
	}
	return append(steps,
		no(entry(eve, alice, types.MaxAmount, 70, 0), "balance is 9007199254740991: the guests in the draw bring 9214364837600033793 together, and there can be 9214364837600034816 in all"),
		ok(entry(eve, alice, 1023, 70, 0)))
}

// TestGuestsTakeEffectTwoHeightsLater follows a guest in and out of the draw.
func TestGuestsTakeEffectTwoHeightsLater(t *testing.T) {
	s := newTestState(t, newGenesis())
	want := func(in string, waits bool) {
		t.Helper()
		if got := drawn(s); got != "00000001=100 00000002=50 "+in {
			t.Errorf("at height %d take part %s, want %s", s.Height()+1, got, in)
		}
		if s.ReadingWaits() != waits {
			t.Errorf("at height %d a reading waits: %v, want %v", s.Height()+1, !waits, waits)
		}
	}
	block(t, s, entry(eve, alice, 10, 70, 0))
	want("", false)
	block(t, s, entry(frank, bob, 20, 80, 0))
	want("00000033=10 ", true)
	blockOf(t, s, eve, alice, reading(keyed(eve), 75, 1))
	want("00000033=10 00000034=20 ", true)
	blockOf(t, s, frank, bob, reading(keyed(frank), 80, 1))
	want("00000033=10 00000034=20 ", false)
	block(t, s, entry(eve, alice, 10, 71, 2)) // known: the new reading can win at once
	want("00000033=10 00000034=20 ", true)
	block(t, s, leave(eve, 3))
	want("00000033=10 00000034=20 ", false)
	block(t, s)
	want("00000034=20 ", false)
	if _, there := s.Guest(key(eve)); there || len(s.Guests()) != 1 {
		t.Errorf("the guest that left is still known; the guests are %v", s.Guests())
	}
	block(t, s, entry(eve, bob, 5, 60, 4)) // its nonce goes on, so that nobody can repeat its old entries
	block(t, s)
	want("00000033=5 00000034=20 ", true)
	if a := s.Account(keyed(eve)); a.Balance != 1 || a.Nonce != 5 {
		t.Errorf("the guest's account has %+v, want its one reward and nonce 5", a)
	}
}

// TestGuestOfBlock checks what a guest looks like from outside.
func TestGuestOfBlock(t *testing.T) {
	s := newTestState(t, newGenesis())
	block(t, s, entry(eve, alice, 10, 70, 0))
	want := Guest{Session: key(eve), Host: key(alice), Balance: 10, Nonce: 1, BPM: 70, Waiting: true, From: 3}
	if got, ok := s.Guest(key(eve)); !ok || got != want {
		t.Errorf("the guest is %+v, want %+v", got, want)
	}
	trial := s.Begin(2, key(alice), key(alice))
	if err := trial.Apply(entry(eve, alice, 10, 99, 1)); err != nil {
		t.Fatal(err)
	}
	want.Nonce, want.BPM = 2, 99
	if got, ok := trial.Guest(key(eve)); !ok || got != want {
		t.Errorf("in the trial the guest is %+v, want %+v", got, want)
	}
}

// TestReplacedHost removes a host while its guests are in the draw and on their
// way into it.
func TestReplacedHost(t *testing.T) {
	s := newTestState(t, newGenesis())
	block(t, s, entry(eve, alice, 10, 70, 0))
	blockOf(t, s, bob, bob, entry(frank, alice, 10, 70, 0), stake(alice, "alice", 0, 0))
	if got, want := drawn(s), "00000001=100 00000002=50 00000033=10 "; got != want {
		t.Errorf("at height 3 take part %s, want %s", got, want)
	}
	blockOf(t, s, bob, bob)
	if got, want := drawn(s), "00000002=50 "; got != want {
		t.Errorf("at height 4 take part %s, want %s", got, want)
	}
	if len(s.Guests()) != 0 {
		t.Errorf("guests of a removed host are left: %v", s.Guests())
	}
}
