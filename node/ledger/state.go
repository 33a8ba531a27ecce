package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// AccountState is what the state says of an account; the zero value is that of
// an account nobody has used.
type AccountState struct {
	Balance uint64 // tokens, 0 to types.MaxAmount
	Nonce   uint64 // the number its next signed record must have
}

// State is all that the network's blocks have brought about up to a height. It
// belongs to one goroutine at a time: reading changes nothing but for Digest,
// which keeps what it hashed.
type State struct {
	network   types.Hash
	authority types.PublicKey
	params    genesis.Params

	height   uint64
	seed     lottery.Seed // of height+1
	minted   uint64
	accounts map[types.Account]AccountState
	seen     map[types.Hash]struct{}      // accepted records of open accounts
	next     *types.ValidatorSet          // of height+1
	newest   *types.ValidatorSet          // of height+2
	guests   map[types.PublicKey]Guest    // in the draw of height+1 or later
	leaving  map[types.PublicKey]struct{} // guests that the next block takes out
	crowd    crowd                        // the guests that stay
	trie     trie                         // over all of the above
}

// crowd is how many guests there are, and what they brought together.
type crowd struct {
	count  int
	weight uint64
}

// New makes the state at height 0. The error says what is wrong with g.
func New(g *genesis.Genesis) (*State, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	keys := make([][32]byte, set.Len())
	for i := range keys {
		v := set.At(i)
		if err := lottery.CheckVRFKey(lottery.VRFPublicKey(v.VRFKey)); err != nil {
			return nil, fmt.Errorf("genesis: validator %s: vrfKey is %w", v.Name, err)
		}
		keys[i] = v.VRFKey
	}
	s := newState(g)
	s.next, s.newest = set, set
	s.seed = lottery.GenesisSeed(g.Nonce, keys)
	for _, a := range g.Accounts {
		s.accounts[a.Account] = AccountState{Balance: a.Balance}
		s.minted += a.Balance
	}
	s.trie.apply(s.Entries())
	return s, nil
}

func newState(g *genesis.Genesis) *State {
	return &State{
		network:   g.Network(),
		authority: g.Authority,
		params:    g.Params,
		accounts:  map[types.Account]AccountState{},
		seen:      map[types.Hash]struct{}{},
		guests:    map[types.PublicKey]Guest{},
		leaving:   map[types.PublicKey]struct{}{},
	}
}

// count works out what follows from the guests' entries.
func (s *State) count() {
	s.crowd = crowd{}
	clear(s.leaving)
	for session, g := range s.guests {
		if g.Until != 0 {
			s.leaving[session] = struct{}{}
			continue
		}
		s.crowd.count++
		s.crowd.weight += g.Balance
	}
}

// Height is that of the last block; 0 is genesis.
func (s *State) Height() uint64 { return s.height }

// Seed is the beacon's value for height+1.
func (s *State) Seed() lottery.Seed { return s.seed }

// Minted is how many tokens were ever made, which is the sum of all balances.
func (s *State) Minted() uint64 { return s.minted }

// Params are the network's rules of validity.
func (s *State) Params() genesis.Params { return s.params }

// Network is the network's id.
func (s *State) Network() types.Hash { return s.network }

// Authority is the key that signs stake records.
func (s *State) Authority() types.PublicKey { return s.authority }

// Validators returns the validators of height+1 or height+2, and nil for any
// other height.
func (s *State) Validators(height uint64) *types.ValidatorSet {
	switch height {
	case s.height + 1:
		return s.next
	case s.height + 2:
		return s.newest
	}
	return nil
}

// Account returns what an account holds.
func (s *State) Account(a types.Account) AccountState { return s.accounts[a] }

// Seen reports whether the record of an open account with this id was accepted.
func (s *State) Seen(id types.Hash) bool {
	_, ok := s.seen[id]
	return ok
}

// Digest is the root over all entries; see the package comment. It costs a few
// hashes for each entry changed since it was last asked for.
func (s *State) Digest() types.Hash { return s.trie.root() }

// Entries returns all entries in the order of their keys.
func (s *State) Entries() []Change {
	c := newChangeList(4 + len(s.accounts) + len(s.seen) + len(s.guests))
	c.meta(s)
	c.validators(nextSet, s.next)
	c.validators(newestSet, s.newest)
	for a, v := range s.accounts {
		c.account(a, v)
	}
	for id := range s.seen {
		c.seen(id)
	}
	for session, g := range s.guests {
		c.guest(session, g, false)
	}
	slices.SortFunc(c.list, func(a, b Change) int { return bytes.Compare(a.Key, b.Key) })
	return c.list
}

// sortedKeys returns a map's keys in ascending order.
func sortedKeys[V any](m map[types.PublicKey]V) []types.PublicKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b types.PublicKey) int { return bytes.Compare(a[:], b[:]) })
}

// Supply counts the accounts that hold something or have signed something, and
// the tokens they hold together, which is what was minted.
func (s *State) Supply() (accounts int, tokens uint64) {
	for _, a := range s.accounts {
		tokens += a.Balance
	}
	return len(s.accounts), tokens
}
