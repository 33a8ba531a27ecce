package client

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/posnet/posnet/node/types"
)

// Account makes and signs the records of one key, and counts its nonces. It is
// safe for concurrent use; records must reach the chain in the order they were
// made, or later ones wait in the pool for the earlier.
type Account struct {
	key     types.PrivateKey
	network types.Hash

	mu    sync.Mutex
	nonce uint64
}

// NewAccount returns the account of a key in a network, whose next record has
// the given nonce: that of Balance.PendingNonce, or see Sync.
func NewAccount(key types.PrivateKey, network types.Hash, nonce uint64) *Account {
	return &Account{key: key, network: network, nonce: nonce}
}

// Address returns the account's public name.
func (a *Account) Address() types.Account { return types.KeyedAccount(a.key.Public()) }

// Sync takes the next nonce from a node, counting what waits in its pool.
// Records that were made and never sent are forgotten with that.
func (a *Account) Sync(ctx context.Context, c *Client) error {
	b, err := c.Balance(ctx, a.Address())
	if err != nil {
		return fmt.Errorf("the next nonce of %s: %w", a.Address(), err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nonce = b.PendingNonce
	return nil
}

// Sign gives a record its time, its nonce and the account's signature. Sender,
// author, session or authority must be the account's key. It returns r.
func (a *Account) Sign(r *types.Record) *types.Record {
	a.mu.Lock()
	r.Nonce = a.nonce
	a.nonce++
	a.mu.Unlock()
	r.Time = types.TimeOf(time.Now())
	return r.Sign(a.network, a.key)
}

// Transfer makes a signed transfer of an amount from 1 to types.MaxAmount.
func (a *Account) Transfer(receiver types.Account, amount uint64) *types.Record {
	return a.Sign(&types.Record{Type: types.Transfer, Sender: a.Address(), Receiver: receiver, Amount: amount})
}

// Mint makes a record that asks the network's faucet for an amount. Nobody
// signs it, and the node that takes it in gives it its time.
func Mint(receiver types.Account, amount uint64) *types.Record {
	return &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: receiver, Amount: amount}
}
