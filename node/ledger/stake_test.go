package ledger

import (
	"fmt"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

func TestStakes(t *testing.T) {
	bobsVRF := vrfKey(bob)
	for _, sc := range []scenario{
		{name: "added, changed, removed", steps: []step{
			ok(stake(carol, "carol", 70, 0)),
			ok(stake(carol, "carol", 71, 1)),
			ok(stake(carol, "carol", 71, 2)),
			ok(stake(carol, "carol", 0, 3)),
			no(stake(carol, "carol", 0, 4), "validator 0000000b is no validator: there is nothing to remove"),
		}},
		{name: "the authority's nonce", steps: []step{
			later(stake(carol, "carol", 70, 1), "nonce is 1: the next of 00000064 is 0, and the record has to wait until those between have come"),
			ok(stake(carol, "carol", 70, 0)),
			no(stake(carol, "carol", 70, 0), "nonce is 0: it was used, the next of 00000064 is 1"),
		}},
		{name: "names and keys are unique and stay", steps: []step{
			no(stake(carol, "bob", 70, 0), `name is "bob": another validator has it, 00000002`),
			no(stakeWith(carol, bobsVRF, "carol", 70, 0), `vrfKey is that of validator "bob": each must have its own`),
			no(stake(bob, "carol", 70, 0), `name is "carol": the validator with this key is "bob", and its name stays`),
			no(stake(bob, "carol", 0, 0), `name is "carol": the validator with this key is "bob", and its name stays`),
			no(stakeWith(bob, vrfKey(9), "bob", 70, 0), `vrfKey is not that of validator "bob", which stays: remove it and add another to change keys`),
			ok(stake(bob, "bob", 0, 0)),
			ok(stakeWith(carol, bobsVRF, "bob", 70, 1)),
		}},
		{name: "a VRF key must be one", steps: []step{
			no(stakeWith(carol, types.PublicKey{1}, "carol", 70, 0), "vrfKey is not a VRF key: it must be the canonical encoding of a point of edwards25519 that is not of small order"),
		}},
		{name: "some stake has to stay", steps: []step{
			ok(stake(alice, "alice", 0, 0)),
			no(stake(bob, "bob", 0, 1), `stake is 0: "bob" is the last validator, and without any stake the network would stand still for ever`),
			ok(stake(bob, "bob", 1, 1)),
		}},
		{name: "the total is held exactly", steps: []step{
			no(stake(carol, "carol", types.MaxAmount-149, 0), "stake is 9007199254740842: all stakes together would be 9007199254740992, and may be 9007199254740991 at most"),
			no(stake(bob, "bob", types.MaxAmount-99, 0), "stake is 9007199254740892: all stakes together would be 9007199254740992, and may be 9007199254740991 at most"),
			ok(stake(bob, "bob", types.MaxAmount-100, 0)),
			no(stake(carol, "carol", 1, 1), "stake is 1: all stakes together would be 9007199254740992, and may be 9007199254740991 at most"),
		}},
		{name: "a hundred validators", network: func(g *genesis.Genesis) {
			for i := 2; i < types.MaxValidators; i++ {
				g.Validators = append(g.Validators, genesis.Validator{Name: fmt.Sprintf("v%d", i), Key: key(200 + i), VRFKey: vrfKey(200 + i), Stake: 1})
			}
		}, steps: []step{
			no(stake(carol, "carol", 1, 0), "validator would be one too many: a network has at most 100 validators"),
			ok(stake(bob, "bob", 0, 0)),
			ok(stake(carol, "carol", 1, 1)),
		}},
		{name: "no validator with the key of a guest", steps: []step{
			ok(entry(eve, alice, 10, 70, 0)),
			no(stake(eve, "eve", 1, 0), "validator is the session key of a guest in the draw: a validator must have its own key"),
		}},
	} {
		t.Run(sc.name, sc.run)
	}
}

// schedule says who is a validator, with what stake, at the next two heights.
func schedule(s *State) string {
	var out string
	for h := s.Height() + 1; h <= s.Height()+2; h++ {
		out += fmt.Sprintf("%d:", h)
		for _, v := range s.Validators(h).List() {
			out += fmt.Sprintf(" %s=%d", v.Name, v.Stake)
		}
		out += "; "
	}
	return out
}

func drawn(s *State) string {
	out := ""
	for _, p := range s.Participants() {
		out += fmt.Sprintf("%s=%d ", p.ID.Short(), p.Weight)
	}
	return out
}

// TestStakesTakeEffectTwoHeightsLater follows an addition and a change through
// the schedule, and the addition into the draw.
func TestStakesTakeEffectTwoHeightsLater(t *testing.T) {
	s := newTestState(t, newGenesis())
	want := func(sets, in string) {
		t.Helper()
		if got := schedule(s); got != sets {
			t.Errorf("after height %d the validators are\n  %s\nwant\n  %s", s.Height(), got, sets)
		}
		if got := drawn(s); got != in {
			t.Errorf("at height %d take part\n  %s\nwant\n  %s", s.Height()+1, got, in)
		}
	}
	const both = "00000001=100 00000002=50 "
	want("1: alice=100 bob=50; 2: alice=100 bob=50; ", both)
	block(t, s, stake(carol, "carol", 7, 0))
	want("2: alice=100 bob=50; 3: alice=100 bob=50 carol=7; ", both)
	block(t, s, stake(bob, "bob", 60, 1), stake(carol, "carol", 8, 2))
	want("3: alice=100 bob=50 carol=7; 4: alice=100 bob=60 carol=8; ", both)
	block(t, s)
	want("4: alice=100 bob=60 carol=8; 5: alice=100 bob=60 carol=8; ", "00000001=100 00000002=60 ")
	for s.Height() < 15 {
		block(t, s)
	}
	want("16: alice=100 bob=60 carol=8; 17: alice=100 bob=60 carol=8; ", "00000001=100 00000002=60 ")
	block(t, s) // added in block 1, drawn from 1+16
	want("17: alice=100 bob=60 carol=8; 18: alice=100 bob=60 carol=8; ", "00000001=100 00000002=60 0000000b=8 ")
	if s.Validators(16) != nil || s.Validators(19) != nil {
		t.Error("validators of heights that are not the next two are given")
	}
}

// TestEverybodyReplaced checks that somebody can be drawn when no validator's
// time has come.
func TestEverybodyReplaced(t *testing.T) {
	s := newTestState(t, newGenesis())
	block(t, s, stake(carol, "carol", 7, 0), stake(alice, "alice", 0, 1), stake(bob, "bob", 0, 2), stake(dave, "dave", 9, 3))
	block(t, s, entry(eve, carol, 10, 70, 0))
	if got, want := drawn(s), "0000000b=7 0000000c=9 "; got != want {
		t.Errorf("at height 3 take part %s, want both new validators: %s", got, want)
	}
	blockOf(t, s, carol, carol)
	if got, want := drawn(s), "0000000b=7 0000000c=9 00000033=10 "; got != want {
		t.Errorf("at height 4 take part %s, want both new validators beside the guest: %s", got, want)
	}
	for s.Height() < 20 {
		blockOf(t, s, dave, dave)
	}
}
