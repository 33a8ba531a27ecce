package ledger

import (
	"errors"
	"maps"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// withGuest returns a state at height 2 with a guest of alice's in the draw.
func withGuest(t *testing.T) *State {
	s := newTestState(t, newGenesis())
	block(t, s, entry(eve, alice, 10, 70, 0))
	block(t, s)
	return s
}

func TestWhoWins(t *testing.T) {
	for _, c := range []struct {
		name             string
		height           uint64
		winner, proposer int
		records          []types.VerifiedRecord
		want             string
	}{
		{"a validator", 3, bob, bob, nil, ""},
		{"a guest", 3, eve, alice, []types.VerifiedRecord{reading(keyed(eve), 80, 1)}, ""},
		{"a guest that leaves in the same block", 3, eve, alice, []types.VerifiedRecord{leave(eve, 1), reading(keyed(eve), 80, 2)}, ""},
		{"a guest that has typed again", 3, eve, alice, []types.VerifiedRecord{entry(eve, alice, 10, 90, 1), reading(keyed(eve), 90, 2)}, ""},
		{"nobody in the draw", 3, carol, carol, nil, "the block at height 3 names 0000000b as its winner, who is not in the draw of that height"},
		{"another proposer", 3, bob, alice, nil, "the block at height 3 was made by 00000001: for winner 00000002 it must be made by 00000002"},
		{"a guest by itself", 3, eve, eve, nil, "the block at height 3 was made by 00000033: for winner 00000033 it must be made by 00000001"},
		{"a guest without a reading", 3, eve, alice, nil, "the block at height 3 was won by guest 00000033 and does not hold its reading"},
		{"another height", 4, bob, bob, nil, "ledger: a block of height 4 on a state of height 2: it must be 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trial := withGuest(t).Begin(c.height, key(c.winner), key(c.proposer))
			for _, r := range c.records {
				if err := trial.Apply(r); err != nil {
					t.Fatal(err)
				}
			}
			_, err := trial.Finish(output(3))
			wantError(t, err, c.want)
		})
	}
}

func TestGuestReadings(t *testing.T) {
	s := withGuest(t)
	trial := s.Begin(3, key(eve), key(alice))
	wantError(t, trial.Apply(reading(keyed(eve), 80, 1)), "")
	wantError(t, trial.Apply(reading(keyed(eve), 80, 2)), "author is the guest that won, and its reading is in the block already")
	wantError(t, trial.Apply(entry(eve, alice, 10, 90, 2)), "")
	d, err := trial.Finish(output(3))
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(d)
	if g, _ := s.Guest(key(eve)); !g.Waiting || g.BPM != 90 {
		t.Errorf("a reading that came after the one used up is lost: %+v", g)
	}
	blockOf(t, s, eve, alice, reading(keyed(eve), 90, 3))
	trial = s.Begin(5, key(eve), key(alice))
	wantError(t, trial.Apply(reading(keyed(eve), 90, 4)), "author is a guest without a reading that waits, which cannot win: its host passes")
	blockOf(t, s, eve, alice, entry(eve, alice, 10, 95, 4), reading(keyed(eve), 95, 5)) // typed since then
	if g, _ := s.Guest(key(eve)); g.Waiting {
		t.Error("the reading that came as an entry and won in one block still waits")
	}
}

func TestReward(t *testing.T) {
	g := newGenesis()
	s := newTestState(t, g)
	trial := s.Begin(1, key(bob), key(bob))
	d, err := trial.Finish(output(1))
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(d)
	if got := s.Account(keyed(bob)); d.Reward() != 1 || got.Balance != 1 || s.Minted() != 51 {
		t.Errorf("the reward is %d, the winner has %d, %d were minted; want 1, 1, 51", d.Reward(), got.Balance, s.Minted())
	}
	g.Params.BlockReward = types.MaxAmount - 49 // one more than can be minted
	s = newTestState(t, g)
	d, err = s.Begin(1, key(bob), key(bob)).Finish(output(1))
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(d)
	if got := s.Account(keyed(bob)); d.Reward() != 0 || got.Balance != 0 || s.Minted() != 50 {
		t.Errorf("the reward is %d, the winner has %d, %d were minted; want nothing beyond genesis", d.Reward(), got.Balance, s.Minted())
	}
}

func TestSeed(t *testing.T) {
	g := newGenesis()
	s := newTestState(t, g)
	want := lottery.GenesisSeed(g.Nonce, [][32]byte{vrfKey(bob), vrfKey(alice)})
	if s.Seed() != want {
		t.Errorf("the seed of height 1 is %x, want %x", s.Seed(), want)
	}
	block(t, s)
	if want = lottery.NextSeed(want, 1, output(1)); s.Seed() != want {
		t.Errorf("the seed of height 2 is %x, want %x", s.Seed(), want)
	}
}

func TestNonces(t *testing.T) {
	s := newTestState(t, newGenesis())
	trial := s.Begin(1, key(bob), key(bob))
	for _, r := range []types.VerifiedRecord{pay(keyed(carol), keyed(dave), 1, 0), pay(keyed(carol), keyed(dave), 1, 1), stake(bob, "bob", 3, 0), mint(open(dave), 1, 1)} {
		if err := trial.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	d, err := trial.Finish(output(1))
	if err != nil {
		t.Fatal(err)
	}
	want := map[types.PublicKey]uint64{key(carol): 2, key(authority): 1}
	for _, when := range []string{"before", "after"} {
		if got := maps.Collect(d.Nonces()); !maps.Equal(got, want) {
			t.Errorf("%s the commit the nonces are %v, want %v", when, got, want)
		}
		if when == "before" {
			s.Commit(d)
		}
	}
}

// TestUsedOnce checks that what is over is refused, and that committing the
// wrong thing stops the program.
func TestUsedOnce(t *testing.T) {
	s := newTestState(t, newGenesis())
	rival := s.Begin(1, key(bob), key(bob))
	trial := s.Begin(1, key(bob), key(bob))
	d, err := trial.Finish(output(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trial.Finish(output(1)); !errors.Is(err, errDone) {
		t.Errorf("a second Finish gives %v", err)
	}
	if err := trial.Apply(mint(open(dave), 1, 1)); !errors.Is(err, errDone) {
		t.Errorf("Apply after Finish gives %v", err)
	}
	s.Commit(d)
	wantError(t, rival.Apply(mint(open(dave), 1, 1)), "ledger: a block of height 1 on a state of height 1: it must be 2")
	_, err = rival.Finish(output(1))
	wantError(t, err, "ledger: a block of height 1 on a state of height 1: it must be 2")
	defer func() {
		if recover() == nil {
			t.Error("a delta was committed twice")
		}
	}()
	s.Commit(d)
}

func TestNewRefusesBadGenesis(t *testing.T) {
	g := newGenesis()
	g.Validators[1].VRFKey = types.PublicKey{1}
	_, err := New(g)
	wantError(t, err, "genesis: validator bob: vrfKey is not a VRF key: it must be the canonical encoding of a point of edwards25519 that is not of small order")
	g.Validators = []genesis.Validator{}
	_, err = New(g)
	wantError(t, err, "genesis: validators: 0 validators: a network has 1 to 100")
}
