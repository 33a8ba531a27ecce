package builder_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

func key(n int) types.PublicKey {
	var k types.PublicKey
	binary.BigEndian.PutUint32(k[:], uint32(n)+1)
	return k
}

func keyed(n int) types.Account { return types.KeyedAccount(key(n)) }

func open(n int) types.Account {
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[:], uint32(n)+1)
	return types.OpenAccount(id)
}

// The network of the tests: one validator, its authority, and people with 100
// tokens each, keyed and open.
const (
	alice     = 0
	authority = 1
	people    = 10
	guest     = 5
)

// fataler is a *testing.T, a *testing.B or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func newState(t fataler, keyedAccounts int, balance uint64) *ledger.State {
	t.Helper()
	_, vrf := lottery.NewVRFKey([32]byte{1})
	g := &genesis.Genesis{
		Name: "test", Authority: key(authority),
		Params:     genesis.Params{OpenAccounts: true, Guests: true, MaxGuests: 5, MaxGuestWeight: 100},
		Validators: []genesis.Validator{{Name: "alice", Key: key(alice), VRFKey: types.PublicKey(vrf), Stake: 1}},
		Accounts:   []genesis.Account{{Account: open(people), Balance: balance}},
	}
	for i := range keyedAccounts {
		g.Accounts = append(g.Accounts, genesis.Account{Account: keyed(people + i), Balance: balance})
	}
	s, err := ledger.New(g)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func vouch(r types.Record) types.VerifiedRecord { return types.VouchRecord(r.Seal()) }

func pay(from int, nonce, amount uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: 1, Sender: keyed(from), Receiver: keyed(from + 1), Amount: amount, Nonce: nonce})
}

func openPay(amount uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: 1, Sender: open(people), Receiver: open(people + 1), Amount: amount})
}

func entry(nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Entry, Time: 1, Session: key(guest), Validator: key(alice), Amount: 10, BPM: 70, Nonce: nonce})
}

func leave(nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Leave, Time: 1, Session: key(guest), Nonce: nonce})
}

func reading(author types.Account, nonce uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Reading, Time: 1, Sender: author, BPM: 70, Nonce: nonce})
}

func stake(nonce, amount uint64) types.VerifiedRecord {
	_, vrf := lottery.NewVRFKey([32]byte{2})
	return vouch(types.Record{Type: types.StakeChange, Time: 1, Validator: key(3), VRFKey: types.PublicKey(vrf), Name: "bob", Stake: amount, Nonce: nonce})
}

func ids(records []types.VerifiedRecord) []types.Hash {
	out := make([]types.Hash, len(records))
	for i, r := range records {
		out[i] = r.Record().ID()
	}
	return out
}

func TestPack(t *testing.T) {
	const carol, dave = people, people + 1
	all := builder.Limits{Records: types.MaxBlockRecords, Bytes: types.MaxBlockBytes}
	size := len(pay(carol, 0, 1).Record().Raw())
	type list = []types.VerifiedRecord
	for _, c := range []struct {
		name    string
		given   list
		limits  builder.Limits
		packed  []int // places in given
		dropped map[int]string
	}{
		{"nothing", nil, all, nil, nil},
		{"in the order of arrival", list{pay(dave, 0, 1), openPay(1), pay(carol, 0, 1), stake(0, 5), entry(0), reading(open(3), 0)}, all, []int{0, 1, 2, 3, 4, 5}, nil},
		{"what waited follows at once", list{pay(carol, 2, 1), pay(carol, 1, 1), pay(dave, 0, 1), pay(carol, 0, 1), openPay(1)}, all, []int{2, 3, 1, 0, 4}, nil},
		{"what waits in vain stays", list{pay(carol, 1, 1), pay(dave, 1, 1), pay(carol, 3, 1), pay(carol, 0, 1)}, all, []int{3, 0}, nil},
		{"a guest comes and goes", list{leave(2), entry(1), entry(0)}, all, []int{2, 1, 0}, nil},
		{"stakes wait for each other", list{stake(1, 0), stake(0, 5)}, all, []int{1, 0}, nil},
		{"what has no place is dropped", list{pay(carol, 0, 101), openPay(60), openPay(50), leave(0), openPay(40)}, all, []int{1, 4},
			map[int]string{0: "amount is 101: the sender has 100", 2: "amount is 50: the sender has 40", 3: "session is no guest in the draw: there is nothing to leave"}},
		{"what follows a dropped one waits on", list{pay(carol, 0, 101), pay(carol, 1, 1), openPay(1)}, all, []int{2},
			map[int]string{0: "amount is 101: the sender has 100"}},
		{"what waited may have no place either", list{pay(carol, 1, 60), pay(carol, 2, 1), pay(carol, 0, 50)}, all, []int{2},
			map[int]string{0: "amount is 60: the sender has 50"}},
		{"of two that wait with one nonce the first is in", list{pay(carol, 1, 1), pay(carol, 1, 2), pay(carol, 0, 1)}, all, []int{2, 0}, nil},
		{"records", list{pay(carol, 0, 1), pay(dave, 0, 1), openPay(1)}, builder.Limits{Records: 2, Bytes: 1 << 20}, []int{0, 1}, nil},
		{"records, by one that waited", list{pay(carol, 1, 1), pay(carol, 0, 1), openPay(1)}, builder.Limits{Records: 1, Bytes: 1 << 20}, []int{1}, nil},
		{"bytes to the last", list{pay(carol, 0, 1), pay(dave, 0, 1), openPay(1)}, builder.Limits{Records: 9, Bytes: 2 * size}, []int{0, 1}, nil},
		{"bytes but one", list{pay(carol, 0, 1), pay(dave, 0, 1), openPay(1)}, builder.Limits{Records: 9, Bytes: 2*size - 1}, []int{0}, nil},
		{"no room at all", list{openPay(1)}, builder.Limits{}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newState(t, 2, 100)
			got, err := builder.Pack(s.Begin(1, key(alice), key(alice)), slices.Values(c.given), c.limits)
			if err != nil {
				t.Fatal(err)
			}
			var want list
			var bytes int
			for _, i := range c.packed {
				want = append(want, c.given[i])
				bytes += len(c.given[i].Record().Raw())
			}
			if !slices.Equal(got.Packed, want) || got.Bytes != bytes {
				t.Errorf("packed are\n  %v in %d bytes, want\n  %v in %d bytes", ids(got.Packed), got.Bytes, ids(want), bytes)
			}
			dropped := map[int]string{}
			for _, d := range got.Dropped {
				dropped[slices.Index(c.given, d.Record)] = d.Err.Error()
			}
			if fmt.Sprint(dropped) != fmt.Sprint(c.dropped) {
				t.Errorf("dropped are\n  %v\nwant\n  %v", dropped, c.dropped)
			}
		})
	}
}

// TestPackOnAStaleTrial checks that records are not dropped for the trial's fault.
func TestPackOnAStaleTrial(t *testing.T) {
	s := newState(t, 1, 100)
	given := []types.VerifiedRecord{openPay(1), openPay(2)}
	got, err := builder.Pack(s.Begin(7, key(alice), key(alice)), slices.Values(given), builder.Limits{Records: 9, Bytes: 9999})
	if err == nil || len(got.Packed)+len(got.Dropped) > 0 {
		t.Errorf("a trial of the wrong height gives %+v, %v", got, err)
	}
}

// TestPackKeepsItsWord packs random records and checks that the block is valid
// as it stands, within the limits and complete.
func TestPackKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newState(t, 3, 100)
		var given []types.VerifiedRecord
		for who := range 3 {
			for nonce := range rapid.Uint64Range(0, 8).Draw(t, "nonces") {
				if rapid.IntRange(0, 9).Draw(t, "missing") > 0 {
					given = append(given, pay(people+who, nonce, rapid.Uint64Range(1, 60).Draw(t, "amount")))
				}
			}
		}
		for amount := range rapid.Uint64Range(0, 20).Draw(t, "open") {
			given = append(given, openPay(amount+1))
		}
		given = rapid.Permutation(given).Draw(t, "arrival")
		limits := builder.Limits{Records: rapid.IntRange(0, 50).Draw(t, "records"), Bytes: rapid.IntRange(0, 10_000).Draw(t, "bytes")}
		trial := s.Begin(1, key(alice), key(alice))
		got, err := builder.Pack(trial, slices.Values(given), limits)
		if err != nil {
			t.Fatal(err)
		}
		checkPacking(t, s, trial, given, limits, got)
	})
}

func checkPacking(t *rapid.T, s *ledger.State, trial *ledger.Trial, given []types.VerifiedRecord, limits builder.Limits, got builder.Packing) {
	again := s.Begin(1, key(alice), key(alice))
	bytes := 0
	for _, rec := range got.Packed {
		if err := again.Apply(rec); err != nil {
			t.Fatalf("a packed record is not valid in its place: %v", err)
		}
		bytes += len(rec.Record().Raw())
	}
	if bytes != got.Bytes || bytes > limits.Bytes || len(got.Packed) > limits.Records {
		t.Fatalf("%d records of %d bytes, said to be %d: the limits are %+v", len(got.Packed), bytes, got.Bytes, limits)
	}
	rest := slices.DeleteFunc(slices.Clone(given), func(r types.VerifiedRecord) bool {
		return slices.Contains(got.Packed, r) || slices.ContainsFunc(got.Dropped, func(d builder.Dropped) bool { return d.Record == r })
	})
	if len(rest)+len(got.Packed)+len(got.Dropped) != len(given) {
		t.Fatalf("of %d records %d are packed, %d dropped and %d left", len(given), len(got.Packed), len(got.Dropped), len(rest))
	}
	if len(got.Packed) == limits.Records || bytes+types.MaxRecordBytes > limits.Bytes {
		return // it is full: what is left may have had no room
	}
	for _, rec := range rest {
		if err := trial.Apply(rec); !errors.Is(err, ledger.ErrLater) {
			t.Fatalf("a record was left over that does not have to wait (%v)", err)
		}
	}
}
