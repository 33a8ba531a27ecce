package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

func mustAccounts(t testing.TB) *accounts {
	t.Helper()
	a, err := newAccounts(nodeCount)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var testNetwork = types.SumHash([]byte("bench"))

func someWorkload(t testing.TB, perLane int) *workload {
	t.Helper()
	w := newWorkload(mustAccounts(t), &posnet{network: testNetwork})
	if err := w.grow(perLane); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestPlaceIsTheWayBackFromOwner(t *testing.T) {
	a := mustAccounts(t)
	rapid.Check(t, func(t *rapid.T) {
		lane, k := rapid.IntRange(0, nodeCount-1).Draw(t, "lane"), rapid.IntRange(0, 1_000_000).Draw(t, "k")
		account, nonce := a.owner(lane, k)
		if gotLane, gotK := a.place(account, nonce); gotLane != lane || gotK != k || account >= accountCount {
			t.Errorf("record %d of lane %d is of account %d with nonce %d, which is record %d of lane %d", k, lane, account, nonce, gotK, gotLane)
		}
	})
}

// Within a lane, and so on one connection, an account's nonces come in order.
func TestNoncesComeInOrder(t *testing.T) {
	a := mustAccounts(t)
	for lane := range nodeCount {
		next := map[int]uint64{}
		for k := range 1000 {
			account, nonce := a.owner(lane, k)
			if nonce != next[account] {
				t.Fatalf("lane %d: record %d of account %d has nonce %d, want %d", lane, k, account, nonce, next[account])
			}
			next[account]++
		}
	}
}

func TestTransfersAreSignedAndWhole(t *testing.T) {
	w := someWorkload(t, 255)
	if err := w.grow(260); err != nil {
		t.Fatal(err)
	}
	verifier := types.RecordVerifier{Network: testNetwork}
	for lane, l := range w.lanes {
		if l.len() != 260 {
			t.Fatalf("lane %d has %d transfers", lane, l.len())
		}
		var records []*types.Record
		for k := range l.len() {
			r := &types.Record{}
			if err := r.UnmarshalJSON(l.record(k)); err != nil {
				t.Fatal(err)
			}
			account, nonce := w.accounts.owner(lane, k)
			if key, _ := r.Sender.Key(); key != w.accounts.keys[account].Public() || r.Nonce != nonce || r.Amount != 1 {
				t.Fatalf("lane %d, record %d: %+v", lane, k, r)
			}
			records = append(records, r)
		}
		_, errs := verifier.Verify(records)
		for k, err := range errs {
			if err != nil {
				t.Fatalf("lane %d, record %d: %v", lane, k, err)
			}
		}
	}
}

func TestEveryAccountIsPaidByOne(t *testing.T) {
	seen := map[int]bool{}
	for i := range accountCount {
		seen[receiverOf(i)] = true
	}
	if len(seen) != accountCount {
		t.Errorf("%d accounts are paid, want %d", len(seen), accountCount)
	}
}

func TestFindKnowsItsAccountsOnly(t *testing.T) {
	a := mustAccounts(t)
	for i, k := range a.keys {
		public := k.Public()
		for _, sender := range [][]byte{[]byte(public.String()), public[:]} {
			if got, ok := a.find(sender); !ok || got != i {
				t.Fatalf("account %d is found as %d, %v", i, got, ok)
			}
		}
	}
	for _, text := range []string{"", "00", strings.Repeat("x", 64), types.GenerateKey().Public().String()} {
		if got, ok := a.find([]byte(text)); ok {
			t.Errorf("%q is found as account %d", text, got)
		}
	}
}
