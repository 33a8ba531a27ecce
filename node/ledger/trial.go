package ledger

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// Trial is the state's next block in the making: what it would change lies over
// the state, which stays as it is. It belongs to one goroutine at a time, and is
// of no more use once its state has committed another block.
type Trial struct {
	state    *State
	height   uint64
	winner   types.PublicKey
	proposer types.PublicKey
	done     bool

	minted   uint64
	accounts map[types.Account]int // places in touched
	touched  []touched             // in the order of first change
	seen     map[types.Hash]struct{}
	ids      []types.Hash // the keys of seen, in order

	validators []types.Validator // by key; nil until a stake record changes them
	guests     map[types.PublicKey]guestChange
	crowd      crowd
	reading    bool // the reading of the guest that won is in
}

type touched struct {
	account  types.Account
	was, now AccountState
}

type guestChange struct {
	Guest
	gone bool
}

// Begin opens the block of height+1, which winner has won and proposer made: the
// winner itself, or the host of a guest.
func (s *State) Begin(height uint64, winner, proposer types.PublicKey) *Trial {
	return &Trial{
		state:    s,
		height:   height,
		winner:   winner,
		proposer: proposer,
		minted:   s.minted,
		accounts: map[types.Account]int{},
		seen:     map[types.Hash]struct{}{},
		guests:   map[types.PublicKey]guestChange{},
		crowd:    s.crowd,
	}
}

// errDone is the error of a trial that is used after Finish.
var errDone = errors.New("ledger: the block is finished: begin another")

// Apply puts a record into the block. On an error the trial is as before: a
// *Refusal if the record has no place in this block, or ErrLater (a *Gap) if
// records of its signer with lower nonces have to come first.
func (t *Trial) Apply(rec types.VerifiedRecord) error {
	r := rec.Record()
	if t.done {
		return errDone
	}
	if err := t.check(); err != nil {
		return err
	}
	if err := t.unused(r); err != nil {
		return err
	}
	switch r.Type {
	case types.Transfer:
		return t.transfer(r)
	case types.Reading:
		return t.read(r)
	case types.StakeChange:
		return t.changeStake(r)
	case types.Entry:
		return t.enter(r)
	case types.Leave:
		return t.leave(r)
	}
	return refuse("type", "is %s: it must be transfer, reading, stake, entry or leave", r.Type)
}

// check reports whether the trial is of the block after the state's.
func (t *Trial) check() error {
	if t.height != t.state.height+1 {
		return fmt.Errorf("ledger: a block of height %d on a state of height %d: it must be %d", t.height, t.state.height, t.state.height+1)
	}
	return nil
}

// unused checks that the record was not accepted before and comes in turn.
func (t *Trial) unused(r *types.Record) error {
	key, signed := r.Signer(t.state.authority)
	if signed {
		return inTurn(key, r.Nonce, t.Account(types.KeyedAccount(key)).Nonce)
	}
	if !t.state.params.OpenAccounts && !r.IsMint() {
		return noOpenAccounts(senderField(r), r.Sender)
	}
	if t.Seen(r.ID()) {
		return refuse("t", "is %s: this very record was accepted before, one that says the same again must have another time", r.Time)
	}
	return nil
}

func inTurn(key types.PublicKey, nonce, next uint64) error {
	switch {
	case nonce < next:
		return refuse("nonce", "is %d: it was used, the next of %s is %d", nonce, key.Short(), next)
	case nonce > next:
		return &Gap{Signer: key, Nonce: nonce, Next: next}
	}
	return nil
}

func senderField(r *types.Record) string {
	if r.Type == types.Reading {
		return "author"
	}
	return "sender"
}

func noOpenAccounts(field string, a types.Account) error {
	return forbid(field, "is %s, an open account: this network has keyed accounts only (64 hex digits)", a)
}

// use marks the record as accepted: it takes the signer's nonce, or its own id.
func (t *Trial) use(r *types.Record) {
	key, signed := r.Signer(t.state.authority)
	if !signed {
		t.seen[r.ID()] = struct{}{}
		t.ids = append(t.ids, r.ID())
		return
	}
	t.now(types.KeyedAccount(key)).Nonce++
}

// Account returns what an account holds after the records applied so far.
func (t *Trial) Account(a types.Account) AccountState {
	if i, ok := t.accounts[a]; ok {
		return t.touched[i].now
	}
	return t.state.accounts[a]
}

// now returns an account to be changed. The pointer holds until the next call.
func (t *Trial) now(a types.Account) *AccountState {
	i, ok := t.accounts[a]
	if !ok {
		i = len(t.touched)
		t.accounts[a] = i
		was := t.state.accounts[a]
		t.touched = append(t.touched, touched{account: a, was: was, now: was})
	}
	return &t.touched[i].now
}

// Seen reports whether the record of an open account with this id was accepted,
// in this block or before.
func (t *Trial) Seen(id types.Hash) bool {
	if _, ok := t.seen[id]; ok {
		return true
	}
	return t.state.Seen(id)
}

// Height is that of the block.
func (t *Trial) Height() uint64 { return t.height }

// Params are the network's rules of validity.
func (t *Trial) Params() genesis.Params { return t.state.params }

// Authority is the key that signs stake records.
func (t *Trial) Authority() types.PublicKey { return t.state.authority }
