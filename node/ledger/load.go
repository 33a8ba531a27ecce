package ledger

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// Load makes a state of stored entries, those that Entries and Commit gave; each
// yields them one by one, in any order, as storage does. The error says what is
// damaged, or whose state it is if not that of g's network.
func Load(g *genesis.Genesis, each func(yield func(key, value []byte) error) error) (*State, error) {
	s := newState(g)
	err := each(func(key, value []byte) error {
		if err := s.load(key, value); err != nil {
			return fmt.Errorf("ledger: the stored state is damaged or foreign: %w", err)
		}
		s.trie.gather(key, value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.checkLoaded(); err != nil {
		return nil, fmt.Errorf("ledger: the stored state is damaged: %w", err)
	}
	s.count()
	return s, nil
}

// errFound ends a walk that has found what it looked for.
var errFound = errors.New("found")

// StoredHeight returns the height that stored entries are the state of, which each
// yields as for Load. The error says what is damaged.
func StoredHeight(each func(yield func(key, value []byte) error) error) (uint64, error) {
	var s State
	err := each(func(key, value []byte) error {
		if len(key) != 1 || key[0] != metaKey {
			return nil
		}
		if err := s.readMeta(types.NewDecoder(value)); err != nil {
			return fmt.Errorf("ledger: the stored state is damaged: %w", err)
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return s.height, nil
	case err == nil:
		err = errors.New("ledger: the stored state is damaged: it does not tell its height")
	}
	return 0, err
}

// checkLoaded makes the trie of the entries, and checks what none of them can show
// by itself.
func (s *State) checkLoaded() error {
	if !s.trie.link() {
		return fmt.Errorf("an entry is there twice")
	}
	if s.trie.size == 0 {
		return fmt.Errorf("it has no entries")
	}
	if s.next == nil || s.newest == nil {
		return fmt.Errorf("a validator set is missing")
	}
	var sum uint64
	for _, v := range s.accounts {
		sum += v.Balance
	}
	if sum != s.minted {
		return fmt.Errorf("the balances are %d together, and %d were minted", sum, s.minted)
	}
	return nil
}

// load takes one stored entry into the state's maps.
func (s *State) load(key, value []byte) error {
	if len(key) == 0 {
		return fmt.Errorf("an entry has no key")
	}
	d := types.NewDecoder(value)
	switch kind, rest := key[0], key[1:]; {
	case kind == metaKey && len(rest) == 0:
		return s.loadMeta(d)
	case kind == accountKey:
		return s.loadAccount(rest, d)
	case kind == openKey && len(rest) == 32:
		s.seen[types.Hash(rest)] = struct{}{}
		if d.Uint8() != 1 {
			return fmt.Errorf("the mark of an open record is not 1")
		}
		return d.Finish()
	case kind == validatorKey && len(rest) == 1:
		return s.loadValidators(rest[0], value)
	case kind == guestKey && len(rest) == 32:
		return s.loadGuest(types.PublicKey(rest), d)
	}
	return fmt.Errorf("key %.40x is none that a ledger has", key)
}

func (s *State) loadMeta(d *types.Decoder) error {
	want := s.network
	if err := s.readMeta(d); err != nil {
		return err
	}
	if s.network != want {
		return fmt.Errorf("it is the state of network %s, and this node's genesis file is that of %s", s.network.Short(), want.Short())
	}
	return nil
}

// readMeta takes what the first entry says, whatever the network.
func (s *State) readMeta(d *types.Decoder) error {
	d.Fixed(s.network[:])
	s.height = d.Uint64()
	d.Fixed(s.seed[:])
	s.minted = d.Uint64()
	return d.Finish()
}

func (s *State) loadAccount(key []byte, d *types.Decoder) error {
	a, err := decodeAccount(key)
	if err != nil {
		return err
	}
	s.accounts[a] = AccountState{Balance: d.Uint64(), Nonce: d.Uint64()}
	if d.Err() == nil && s.accounts[a] == (AccountState{}) {
		return fmt.Errorf("account %s is there with nothing in it", a)
	}
	return d.Finish()
}

func decodeAccount(key []byte) (types.Account, error) {
	switch {
	case len(key) == 1+32 && key[0] == byte(types.Keyed):
		return types.KeyedAccount(types.PublicKey(key[1:])), nil
	case len(key) == 1+16 && key[0] == byte(types.Open):
		return types.OpenAccount(uuid.UUID(key[1:])), nil
	}
	return types.Account{}, fmt.Errorf("key %.40x names no account", key)
}

func (s *State) loadValidators(which byte, value []byte) error {
	set, err := types.DecodeValidatorSet(value)
	if err != nil {
		return err
	}
	switch which {
	case nextSet:
		s.next = set
	case newestSet:
		s.newest = set
	default:
		return fmt.Errorf("a validator set of kind %d: it must be 1 or 2", which)
	}
	return nil
}

func (s *State) loadGuest(session types.PublicKey, d *types.Decoder) error {
	g := Guest{Session: session}
	d.Fixed(g.Host[:])
	g.Balance, g.BPM = d.Uint64(), d.Uint64()
	waiting := d.Uint8()
	if waiting > 1 {
		return fmt.Errorf("the mark of a waiting reading is %d: it must be 0 or 1", waiting)
	}
	g.Waiting = waiting == 1
	g.From, g.Until = d.Uint64(), d.Uint64()
	s.guests[session] = g
	return d.Finish()
}
