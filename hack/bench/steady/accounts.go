// Package steady sends signed transfers to a network at an even pace for as long as
// one likes. It signs as it goes, and its books hold a few numbers for each account,
// so that what it needs does not depend on how long it goes on.
package steady

import (
	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/types"
)

const (
	// startBalance is what each account has at the beginning, in tokens: more than
	// it can spend in any run.
	startBalance = 1_000_000_000
	// stepToReceiver spreads the receivers over all accounts.
	stepToReceiver = 7
)

// Accounts pay one token at a time, each as often as all others.
type Accounts struct {
	keys  []types.PrivateKey
	index map[types.Account]int
	to    func(record int) types.Account // nil: they pay each other
}

// NewPayers makes n accounts, of 1 and more, that pay to others: to tells whom each
// record is for, the first being 0, and names none of them.
func NewPayers(n int, to func(record int) types.Account) *Accounts {
	a := NewAccounts(n)
	a.to = to
	return a
}

// NewAccounts makes n accounts, of 1 and more, that pay each other.
func NewAccounts(n int) *Accounts {
	a := &Accounts{index: make(map[types.Account]int, n)}
	for i := range n {
		a.keys = append(a.keys, types.GenerateKey())
		a.index[a.address(i)] = i
	}
	return a
}

// Funded is the accounts with their balances, for a network's ledger.
func (a *Accounts) Funded() []v1alpha1.AccountBalance {
	out := make([]v1alpha1.AccountBalance, len(a.keys))
	for i := range a.keys {
		out[i] = v1alpha1.AccountBalance{Account: a.keys[i].Public().String(), Balance: startBalance}
	}
	return out
}

func (a *Accounts) address(i int) types.Account { return types.KeyedAccount(a.keys[i].Public()) }

// payee is whom account i pays with a record.
func (a *Accounts) payee(i, record int) types.Account {
	if a.to != nil {
		return a.to(record)
	}
	return a.address(a.receiver(i))
}

func (a *Accounts) receiver(i int) int { return (i*stepToReceiver + 1) % len(a.keys) }

// balances are what the accounts have after each has paid so often.
func (a *Accounts) balances(paid []uint64) []uint64 {
	out := make([]uint64, len(a.keys))
	for i, n := range paid {
		out[i] += startBalance - n
		if a.to == nil {
			out[a.receiver(i)] += n
		}
	}
	return out
}
