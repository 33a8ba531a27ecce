package ledger

import (
	"errors"
	"fmt"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// step is a record and what becomes of it: an error's text, or none.
type step struct {
	record    types.VerifiedRecord
	want      string
	forbidden bool // the error is for the network's rules
	later     bool // the error is ErrLater
}

// scenario is a block tried, on a network that may differ from newGenesis.
type scenario struct {
	name    string
	network func(*genesis.Genesis)
	before  []types.VerifiedRecord // in a block of their own
	steps   []step
}

func (sc scenario) run(t *testing.T) {
	g := newGenesis()
	if sc.network != nil {
		sc.network(g)
	}
	s := newTestState(t, g)
	block(t, s, sc.before...)
	before := s.Digest()
	trial := s.Begin(2, key(alice), key(alice))
	for i, st := range sc.steps {
		err := trial.Apply(st.record)
		t.Run(fmt.Sprint(i), func(t *testing.T) { st.check(t, err) })
	}
	if s.Digest() != before || replay(t, g, s.Entries()).Digest() != before {
		t.Error("the trial changed the state")
	}
}

func (st step) check(t *testing.T, err error) {
	wantError(t, err, st.want)
	var refusal *Refusal
	if st.later != errors.Is(err, ErrLater) {
		t.Errorf("the error is ErrLater: %v, want %v", !st.later, st.later)
	}
	if refused := errors.As(err, &refusal); refused != (st.want != "" && !st.later) {
		t.Errorf("the error is a Refusal: %v, want %v", refused, !refused)
	}
	if refusal != nil && refusal.Forbidden != st.forbidden {
		t.Errorf("the refusal is for the network's rules: %v, want %v", refusal.Forbidden, st.forbidden)
	}
}

func ok(r types.VerifiedRecord) step                 { return step{record: r} }
func no(r types.VerifiedRecord, want string) step    { return step{record: r, want: want} }
func never(r types.VerifiedRecord, want string) step { return step{r, want, true, false} }
func later(r types.VerifiedRecord, want string) step { return step{r, want, false, true} }

func keyedOnly(g *genesis.Genesis) {
	g.Params.OpenAccounts = false
	g.Accounts = g.Accounts[:1]
}

func TestTransfers(t *testing.T) {
	openDave, openCarol := open(dave), open(carol)
	const noOpen = ", an open account: this network has keyed accounts only (64 hex digits)"
	for _, sc := range []scenario{
		{name: "a keyed sender pays what it has", steps: []step{
			no(pay(keyed(carol), keyed(dave), 21, 0), "amount is 21: the sender has 20"),
			ok(pay(keyed(carol), keyed(dave), 15, 0)),
			no(pay(keyed(carol), keyed(dave), 6, 1), "amount is 6: the sender has 5"),
			ok(pay(keyed(carol), keyed(dave), 5, 1)),
			ok(pay(keyed(dave), keyed(carol), 20, 0)),
			ok(pay(keyed(carol), openDave, 20, 2)),
		}},
		{name: "nonces come in turn", before: []types.VerifiedRecord{pay(keyed(carol), keyed(dave), 1, 0)}, steps: []step{
			no(pay(keyed(carol), keyed(dave), 1, 0), "nonce is 0: it was used, the next of 0000000b is 1"),
			later(pay(keyed(carol), keyed(dave), 1, 2), "nonce is 2: the next of 0000000b is 1, and the record has to wait until those between have come"),
			ok(pay(keyed(carol), keyed(dave), 1, 1)),
			ok(pay(keyed(carol), keyed(dave), 1, 2)),
			no(pay(keyed(carol), keyed(dave), 2, 2), "nonce is 2: it was used, the next of 0000000b is 3"),
		}},
		{name: "paying oneself needs the balance and takes the nonce", steps: []step{
			no(pay(keyed(carol), keyed(carol), 21, 0), "amount is 21: the sender has 20"),
			ok(pay(keyed(carol), keyed(carol), 20, 0)),
			ok(pay(keyed(carol), keyed(carol), 20, 1)),
			ok(pay(openCarol, openCarol, 30, 0)),
		}},
		{name: "an open sender is told apart by the record's id", steps: []step{
			ok(pay(openCarol, openDave, 10, 0)),
			no(pay(openCarol, openDave, 10, 0), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time"),
			ok(pay(openCarol, openDave, 11, 0)),
			no(pay(openCarol, openDave, 12, 0), "amount is 12: the sender has 9"),
		}},
		{name: "an id is accepted once, for ever", before: []types.VerifiedRecord{pay(openCarol, openDave, 10, 0)}, steps: []step{
			no(pay(openCarol, openDave, 10, 0), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time"),
		}},
		{name: "without open accounts", network: keyedOnly, steps: []step{
			never(pay(openCarol, keyed(dave), 1, 0), "sender is "+openCarol.String()+noOpen),
			never(pay(keyed(carol), openDave, 1, 0), "receiver is "+openDave.String()+noOpen),
			never(mint(openDave, 1, 5), "receiver is "+openDave.String()+noOpen),
			never(reading(openCarol, 70, 0), "author is "+openCarol.String()+noOpen),
			ok(mint(keyed(dave), 1, 5)),
			ok(pay(keyed(carol), keyed(dave), 1, 0)),
		}},
		{name: "the faucet", steps: []step{
			ok(mint(openDave, 1000, 5)),
			no(mint(openDave, 1000, 5), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time"),
			ok(mint(openDave, 1000, 6)),
			ok(pay(openDave, keyed(dave), 2000, 0)),
			never(mint(openDave, 1001, 7), "amount is 1001: the faucet of this network gives at most 1000 at a time"),
		}},
		{name: "the faucet is off", network: func(g *genesis.Genesis) { g.Params.Faucet = false }, steps: []step{
			never(mint(openDave, 1, 5), "sender is GENESIS: the faucet of this network is off, so nobody can mint"),
		}},
		{name: "no more is minted than every reader holds exactly", network: func(g *genesis.Genesis) {
			g.Params.FaucetMax = types.MaxAmount
		}, steps: []step{ // 50 from genesis and 1 for the first block
			no(mint(openDave, types.MaxAmount-50, 5), "amount is 9007199254740941: 51 tokens were minted already, and there can be 9007199254740991 in all"),
			ok(mint(openDave, types.MaxAmount-51, 5)),
			no(mint(openDave, 1, 5), "amount is 1: 9007199254740991 tokens were minted already, and there can be 9007199254740991 in all"),
		}},
		{name: "readings", steps: []step{
			later(reading(keyed(dave), 70, 1), "nonce is 1: the next of 0000000c is 0, and the record has to wait until those between have come"),
			ok(reading(keyed(dave), 70, 0)),
			ok(reading(keyed(dave), 70, 1)),
			no(reading(keyed(dave), 70, 1), "nonce is 1: it was used, the next of 0000000c is 2"),
			ok(reading(openDave, 0, 0)),
			no(reading(openDave, 0, 0), "t is 0.000000005: this very record was accepted before, one that says the same again must have another time"),
		}},
	} {
		t.Run(sc.name, sc.run)
	}
}

// TestUnusedAccountsLeaveNoEntry checks that the digest tells only what is.
func TestUnusedAccountsLeaveNoEntry(t *testing.T) {
	g := newGenesis()
	g.Params.BlockReward = 0
	s := newTestState(t, g)
	block(t, s, pay(open(carol), open(dave), 10, 0), pay(open(dave), open(carol), 10, 0))
	for _, e := range s.Entries() {
		if string(e.Key) == "a\x02"+string(open(dave).Bytes()) {
			t.Error("an open account that gave everything away within the block has an entry")
		}
	}
	changes := block(t, s, pay(open(carol), keyed(carol), 30, 0))
	var deleted bool
	for _, c := range changes {
		deleted = deleted || c.Value == nil && string(c.Key) == "a\x02"+string(open(carol).Bytes())
	}
	if !deleted {
		t.Error("an open account that gave everything away keeps its entry")
	}
	if got := plainRoot(asMap(s.Entries())); s.Digest() != got {
		t.Errorf("the digest is %s, plainly %s", s.Digest(), got)
	}
}
