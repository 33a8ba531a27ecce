package pool

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/posnet/posnet/node/types"
)

func key(n int) types.PublicKey {
	var k types.PublicKey
	binary.BigEndian.PutUint32(k[:], uint32(n)+1)
	return k
}

func open(n int) types.Account {
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[:], uint32(n)+1)
	return types.OpenAccount(id)
}

var authority = key(99)

func vouch(r types.Record) types.VerifiedRecord { return types.VouchRecord(r.Seal()) }

func pay(from int, nonce, amount uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: 1, Sender: types.KeyedAccount(key(from)), Receiver: open(0), Amount: amount, Nonce: nonce})
}

func openPay(n uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Transfer, Time: 1, Sender: open(1), Receiver: open(2), Amount: n})
}

func entry(session int, nonce, bpm uint64, t types.Time) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Entry, Time: t, Session: key(session), Validator: key(0), Amount: 10, BPM: bpm, Nonce: nonce})
}

func leave(session int, nonce uint64, t types.Time) types.VerifiedRecord {
	return vouch(types.Record{Type: types.Leave, Time: t, Session: key(session), Nonce: nonce})
}

func stake(nonce, amount uint64) types.VerifiedRecord {
	return vouch(types.Record{Type: types.StakeChange, Time: 1, Validator: key(5), Name: "x", Stake: amount, Nonce: nonce})
}

func ids(records ...types.VerifiedRecord) []types.Hash {
	out := make([]types.Hash, len(records))
	for i, r := range records {
		out[i] = r.Record().ID()
	}
	return out
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
		t.Errorf("the error is\n  %v\nwant\n  %s", err, want)
	}
}

func wantOrder(t testing.TB, p *Pool, want ...types.VerifiedRecord) {
	t.Helper()
	if got := ids(slices.Collect(p.All())...); !slices.Equal(got, ids(want...)) {
		t.Errorf("in the pool wait\n  %v\nwant\n  %v", got, ids(want...))
	}
}
