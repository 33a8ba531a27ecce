package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// key returns a key that is only looked at, never signed with: tests vouch for
// their records.
func key(n int) types.PublicKey {
	var k types.PublicKey
	binary.BigEndian.PutUint32(k[:], uint32(n)+1)
	return k
}

// vrfKey returns a VRF key that CheckVRFKey takes.
func vrfKey(n int) types.PublicKey {
	var seed [32]byte
	binary.BigEndian.PutUint32(seed[:], uint32(n))
	_, pub := lottery.NewVRFKey(seed)
	return types.PublicKey(pub)
}

func keyed(n int) types.Account { return types.KeyedAccount(key(n)) }

func open(n int) types.Account {
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[:], uint32(n)+1)
	return types.OpenAccount(id)
}

// The cast of the tests: validators 0 and 1, people from 10 on, guests from 50
// on, and the authority.
const (
	alice     = 0
	bob       = 1
	carol     = 10
	dave      = 11
	eve       = 50
	frank     = 51
	authority = 99
)

func newGenesis() *genesis.Genesis {
	return &genesis.Genesis{
		Name:      "test",
		Time:      1,
		Nonce:     types.Hash{7},
		Authority: key(authority),
		Params: genesis.Params{
			OpenAccounts: true, BlockReward: 1, Faucet: true, FaucetMax: 1000,
			Guests: true, MaxGuests: 2, MaxGuestWeight: 100,
		},
		Validators: []genesis.Validator{
			{Name: "alice", Key: key(alice), VRFKey: vrfKey(alice), Stake: 100},
			{Name: "bob", Key: key(bob), VRFKey: vrfKey(bob), Stake: 50},
		},
		Accounts: []genesis.Account{{Account: keyed(carol), Balance: 20}, {Account: open(carol), Balance: 30}},
	}
}

func newTestState(t testing.TB, g *genesis.Genesis) *State {
	t.Helper()
	s, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func vouch(r types.Record) types.VerifiedRecord { return types.VouchRecord(r.Seal()) }

func pay(from, to types.Account, amount, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: 5, Sender: from, Receiver: to, Amount: amount, Nonce: nonce})
}

func mint(to types.Account, amount uint64, time types.Time) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: time, Sender: types.Genesis, Receiver: to, Amount: amount})
}

func reading(author types.Account, bpm, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Reading, Time: 5, Sender: author, BPM: bpm, Nonce: nonce})
}

func stake(validator int, name string, amount, nonce uint64) types.VerifiedRecord {
	return stakeWith(validator, vrfKey(validator), name, amount, nonce)
}

func stakeWith(validator int, vrf types.PublicKey, name string, amount, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.StakeChange, Time: 5, Validator: key(validator), VRFKey: vrf, Name: name, Stake: amount, Nonce: nonce})
}

func entry(session, host int, balance, bpm, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Entry, Time: 5, Session: key(session), Validator: key(host), Amount: balance, BPM: bpm, Nonce: nonce})
}

func leave(session int, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Leave, Time: 5, Session: key(session), Nonce: nonce})
}

func output(height uint64) lottery.Output {
	var out lottery.Output
	binary.BigEndian.PutUint64(out[:], height)
	return out
}

// block commits one block of alice's with records that must all be valid.
func block(t testing.TB, s *State, records ...types.VerifiedRecord) []Change {
	t.Helper()
	return blockOf(t, s, alice, alice, records...)
}

func blockOf(t testing.TB, s *State, winner, proposer int, records ...types.VerifiedRecord) []Change {
	t.Helper()
	trial := s.Begin(s.Height()+1, key(winner), key(proposer))
	for i, r := range records {
		if err := trial.Apply(r); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	delta, err := trial.Finish(output(trial.Height()))
	if err != nil {
		t.Fatal(err)
	}
	return s.Commit(delta)
}

// wantError checks an error's text; an empty one wants none.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
		t.Errorf("the error is\n  %v\nwant\n  %s", err, want)
	}
}

// replay loads a second state from entries in another order than they are
// stored in.
func replay(t testing.TB, g *genesis.Genesis, entries []Change) *State {
	t.Helper()
	s, err := Load(g, each(slices.Backward(entries)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func each(entries func(func(int, Change) bool)) func(func(key, value []byte) error) error {
	return func(yield func(key, value []byte) error) error {
		for _, e := range entries {
			if err := yield(e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	}
}
