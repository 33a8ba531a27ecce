package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Revert takes the newest block back: the state becomes the one before it. seed is the
// beacon's value of the block's height and set its validators, which neither the block
// nor the state after it tells. What guests did cannot be taken back, and not all of that
// is an error: whoever is to believe the state holds its digest against that in the
// block's header. After an error the state is of no more use.
func (s *State) Revert(b *types.Block, seed lottery.Seed, set *types.ValidatorSet) error {
	if h := b.Header.Height; h != s.height || h == 0 {
		return fmt.Errorf("ledger: block %d is not the newest of a state of height %d", h, s.height)
	}
	if b.Header.Winner != b.Header.Proposer {
		return errGuests
	}
	r := &revert{state: s, height: s.height, accounts: map[types.Account]AccountState{}}
	winner, reward := types.KeyedAccount(b.Header.Winner), s.params.BlockReward
	paid := reward <= types.MaxAmount-s.minted // else only the digest tells whether so much was left to mint
	if paid && reward > 0 {
		r.unmint(winner, reward)
	}
	for i := len(b.Records) - 1; i >= 0 && r.err == nil; i-- {
		r.record(b.Records[i])
	}
	if r.err != nil {
		return r.err
	}
	s.height, s.seed = s.height-1, seed
	s.next, s.newest = set, s.next
	s.commitReverted(r)
	if paid || s.Digest() == b.Header.State {
		return nil
	}
	r = &revert{state: s, height: r.height, accounts: map[types.Account]AccountState{}}
	if r.unmint(winner, reward); r.err == nil {
		s.commitReverted(r)
	}
	return r.err
}

var errGuests = errors.New("ledger: what guests did cannot be taken back")

// revert is what taking a block back changes.
type revert struct {
	state    *State
	height   uint64 // of the block
	accounts map[types.Account]AccountState
	unseen   []types.Hash
	err      error
}

func (r *revert) account(a types.Account) AccountState {
	if v, changed := r.accounts[a]; changed {
		return v
	}
	return r.state.accounts[a]
}

// take takes tokens from an account that must have them.
func (r *revert) take(from types.Account, amount uint64) {
	v := r.account(from)
	if v.Balance < amount {
		r.err = fmt.Errorf("ledger: %s has %d tokens, and got %d in block %d", from, v.Balance, amount, r.height)
		return
	}
	v.Balance -= amount
	r.accounts[from] = v
}

func (r *revert) unmint(from types.Account, amount uint64) {
	r.take(from, amount)
	r.state.minted -= min(amount, r.state.minted) // no balance is above it
}

// record takes a record back: what Trial.Apply does, the other way round.
func (r *revert) record(rec *types.Record) {
	switch rec.Type {
	case types.Entry, types.Leave:
		r.err = errGuests
	case types.Transfer:
		if rec.IsMint() {
			r.unmint(rec.Receiver, rec.Amount)
			break
		}
		r.take(rec.Receiver, rec.Amount)
		v := r.account(rec.Sender)
		v.Balance += rec.Amount
		r.accounts[rec.Sender] = v
	}
	key, signed := rec.Signer(r.state.authority)
	if !signed {
		r.unseen = append(r.unseen, rec.ID())
		return
	}
	a := types.KeyedAccount(key)
	v := r.account(a)
	if v.Nonce != rec.Nonce+1 && r.err == nil {
		r.err = fmt.Errorf("ledger: the next nonce of %s is %d, and %d was used in block %d", a, v.Nonce, rec.Nonce, r.height)
	}
	v.Nonce = rec.Nonce
	r.accounts[a] = v
}

// commitReverted makes the changes those of the state.
func (s *State) commitReverted(r *revert) {
	c := newChangeList(3 + len(r.accounts) + len(r.unseen))
	c.meta(s)
	c.validators(nextSet, s.next)
	c.validators(newestSet, s.newest)
	for a, v := range r.accounts {
		c.account(a, v)
		if v == (AccountState{}) {
			delete(s.accounts, a)
			continue
		}
		s.accounts[a] = v
	}
	for _, id := range r.unseen {
		c.list = append(c.list, Change{Key: bytes.Join([][]byte{{openKey}, id[:]}, nil)})
		delete(s.seen, id)
	}
	s.trie.apply(c.list)
}
