package main

import (
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/types"
)

const (
	// accountCount is how many accounts pay each other.
	accountCount = 1000
	// startBalance is what each has at the beginning, in tokens: more than it
	// can spend in any run.
	startBalance = 1_000_000_000
	// stepToReceiver spreads the receivers over all accounts.
	stepToReceiver = 7
)

// accounts are the keys that sign transfers. Account a belongs to lane a modulo
// the number of lanes: all of its records go through one node.
type accounts struct {
	keys     [accountCount]types.PrivateKey
	bySender map[[senderPrefix]byte]int
	lanes    int
}

// senderPrefix is how many bytes of a key tell accounts apart.
const senderPrefix = 8

func newAccounts(lanes int) (*accounts, error) {
	a := &accounts{bySender: make(map[[senderPrefix]byte]int, accountCount), lanes: lanes}
	for i := range a.keys {
		a.keys[i] = types.GenerateKey()
		public := a.keys[i].Public()
		a.bySender[[senderPrefix]byte(public[:])] = i
	}
	if len(a.bySender) != accountCount {
		return nil, fmt.Errorf("two accounts begin with the same %d bytes: run again", senderPrefix)
	}
	return a, nil
}

// find returns the account of a key, given as bytes or as hex digits.
func (a *accounts) find(sender []byte) (int, bool) {
	var prefix [senderPrefix]byte
	switch len(sender) {
	case len(types.PublicKey{}):
		copy(prefix[:], sender)
	case hex.EncodedLen(len(types.PublicKey{})):
		if _, err := hex.Decode(prefix[:], sender[:hex.EncodedLen(senderPrefix)]); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	i, ok := a.bySender[prefix]
	return i, ok
}

// funded is the accounts with their balances, for a manifest's ledger.
func (a *accounts) funded() []v1alpha1.AccountBalance {
	out := make([]v1alpha1.AccountBalance, accountCount)
	for i, k := range a.keys {
		out[i] = v1alpha1.AccountBalance{Account: k.Public().String(), Balance: startBalance}
	}
	return out
}

// perLane is how many accounts a lane has, for it and all others: the lanes
// divide the accounts evenly.
func (a *accounts) perLane() int { return accountCount / a.lanes }

// owner returns the account that record k of a lane is of, and its nonce.
func (a *accounts) owner(lane, k int) (account int, nonce uint64) {
	return (k%a.perLane())*a.lanes + lane, uint64(k / a.perLane())
}

// place is the way back: which record of which lane an account's nonce is.
func (a *accounts) place(account int, nonce uint64) (lane, k int) {
	return account % a.lanes, int(nonce)*a.perLane() + account/a.lanes
}

func receiverOf(account int) int { return (account*stepToReceiver + 1) % accountCount }

// transfers are the signed records of one lane as JSON, one after another.
// They are made before any clock starts, and bytes without pointers, which
// cost the collector nothing.
type transfers struct {
	text []byte
	ends []int
}

func (t *transfers) len() int { return len(t.ends) }

func (t *transfers) record(k int) []byte {
	begin := 0
	if k > 0 {
		begin = t.ends[k-1]
	}
	return t.text[begin:t.ends[k]]
}

// workload is the transfers of all lanes for one network. They can be used on
// every new chain of it.
type workload struct {
	accounts *accounts
	wire     wire
	lanes    []*transfers
}

func newWorkload(a *accounts, w wire) *workload {
	out := &workload{accounts: a, wire: w}
	for range a.lanes {
		out.lanes = append(out.lanes, &transfers{})
	}
	return out
}

// grow signs as many further transfers as it takes for each lane to have n.
func (w *workload) grow(n int) error {
	errs := make([]error, len(w.lanes))
	var wg sync.WaitGroup
	for i, t := range w.lanes {
		wg.Go(func() { errs[i] = w.growLane(i, t, n) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *workload) growLane(lane int, t *transfers, n int) error {
	for k := t.len(); k < n; k++ {
		account, nonce := w.accounts.owner(lane, k)
		text, err := w.wire.transfer(w.accounts, account, nonce)
		if err != nil {
			return err
		}
		t.text = append(t.text, text...)
		t.ends = append(t.ends, len(t.text))
	}
	return nil
}
