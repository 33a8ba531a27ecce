package ledger

import (
	"errors"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

func TestAdmit(t *testing.T) {
	strict := func(g *genesis.Genesis) {
		keyedOnly(g)
		g.Params.Faucet, g.Params.Guests = false, false
	}
	nearlyAll := func(g *genesis.Genesis) {
		g.Params.BlockReward, g.Params.FaucetMax = 0, types.MaxAmount
	}
	before := []types.VerifiedRecord{
		pay(keyed(carol), keyed(dave), 1, 0), pay(open(carol), keyed(dave), 1, 0), mint(keyed(dave), 1, 5), entry(eve, alice, 10, 70, 0),
	}
	for _, c := range []struct {
		name      string
		network   func(*genesis.Genesis)
		record    types.VerifiedRecord
		want      string
		forbidden bool
	}{
		{"a good one", nil, pay(keyed(carol), keyed(dave), 1, 1), "", false},
		{"one that cannot be paid yet", nil, pay(keyed(60), keyed(dave), 1, 0), "", false},
		{"one that waits for another", nil, pay(keyed(carol), keyed(dave), 1, 2), "", false},
		{"one that waits for the most others", nil, pay(keyed(carol), keyed(dave), 1, 10_001), "", false},
		{"too far ahead", nil, pay(keyed(carol), keyed(dave), 1, 10_002), "nonce is 10002: the next of 0000000b is 1, and records wait for others at most 10000 ahead", false},
		{"a used nonce", nil, pay(keyed(carol), keyed(dave), 7, 0), "nonce is 0: it was used, the next of 0000000b is 1", false},
		{"a used id", nil, pay(open(carol), keyed(dave), 1, 0), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time", false},
		{"a used mint", nil, mint(keyed(dave), 1, 5), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time", false},
		{"an open record", nil, pay(open(carol), keyed(dave), 2, 0), "", false},
		{"an open record where there are none", strict, reading(open(carol), 2, 0), "author is " + open(carol).String() + ", an open account: this network has keyed accounts only (64 hex digits)", true},
		{"a payment to an open account where there are none", strict, pay(keyed(carol), open(dave), 1, 0), "receiver is " + open(dave).String() + ", an open account: this network has keyed accounts only (64 hex digits)", true},
		{"a mint", nil, mint(keyed(dave), 1, 6), "", false},
		{"a mint where there is none", strict, mint(keyed(dave), 1, 6), "sender is GENESIS: the faucet of this network is off, so nobody can mint", true},
		{"a large mint", nil, mint(keyed(dave), 1001, 6), "amount is 1001: the faucet of this network gives at most 1000 at a time", true},
		{"a mint of all that is left", nearlyAll, mint(keyed(dave), types.MaxAmount-51, 6), "", false},
		{"a mint beyond", nearlyAll, mint(keyed(dave), types.MaxAmount-50, 6), "amount is 9007199254740941: 51 tokens were minted already, and there can be 9007199254740991 in all", false},
		{"a reading", nil, reading(keyed(dave), 70, 0), "", false},
		{"a guest's reading", nil, reading(keyed(eve), 70, 1), "author is a guest in the draw, whose readings come as entries: one is put into the block that the guest wins", false},
		{"a stake", nil, stake(carol, "bob", 1, 0), "", false}, // bob may be removed first
		{"a stake with a wrong VRF key", nil, stakeWith(carol, types.PublicKey{1}, "carol", 1, 0), "vrfKey is not a VRF key: it must be the canonical encoding of a point of edwards25519 that is not of small order", false},
		{"an entry", nil, entry(frank, bob, 10, 70, 0), "", false},
		{"another reading", nil, entry(eve, alice, 10, 70, 1), "", false},
		{"an entry without its balance", nil, entry(eve, alice, 11, 70, 1), "balance is 11: the guest is in the draw with 10, which stays as long as the session lasts", false},
		{"a heavy guest", nil, entry(frank, bob, 101, 70, 0), "balance is 101: a guest of this network may bring at most 100", true},
		{"a guest without a host", nil, entry(frank, carol, 10, 70, 0), "validator is 0000000b, which is no validator: the host of a guest must be one", false},
		{"a guest too many", func(g *genesis.Genesis) { g.Params.MaxGuests = 1 }, entry(frank, bob, 10, 70, 0), "session finds no place: 1 guests are in the draw, as many as this network takes", false},
		{"a leave", nil, leave(eve, 1), "", false},
		{"a leave whose entry waits", nil, leave(frank, 1), "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGenesis()
			if c.network != nil {
				c.network(g)
			}
			s := newTestState(t, g)
			if g.Params.Faucet {
				block(t, s, before...)
			}
			digest := s.Digest()
			err := s.Admit(c.record.Record())
			wantError(t, err, c.want)
			var refusal *Refusal
			if errors.As(err, &refusal) != (c.want != "") || refusal != nil && refusal.Forbidden != c.forbidden {
				t.Errorf("the error is %#v, want a Refusal with Forbidden %v", err, c.forbidden)
			}
			if s.Digest() != digest {
				t.Error("asking changed the state")
			}
		})
	}
}
