package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Difference is an entry of a stored state that is not what the blocks lead to.
type Difference struct {
	Entry           string // what it is about, such as "account 3b6a…"
	Expected, Found string // "nothing" where there is, or should be, no entry
}

// Error implements error.
func (d *Difference) Error() string {
	return fmt.Sprintf("the stored %s is another than the blocks lead to: expected %s, found %s", d.Entry, d.Expected, d.Found)
}

// Compare checks that stored entries, which each yields in any order, each once,
// are exactly those of the state. The error is a *Difference, or that of each.
func (s *State) Compare(each func(yield func(key, value []byte) error) error) error {
	found := 0
	err := each(func(key, value []byte) error {
		want := s.entry(key)
		if !bytes.Equal(want, value) {
			return &Difference{Entry: nameEntry(key), Expected: describe(key, want), Found: describe(key, value)}
		}
		found++
		return nil
	})
	if err == nil && found != s.trie.size {
		err = &Difference{Entry: "number of entries", Expected: fmt.Sprint(s.trie.size), Found: fmt.Sprint(found)}
	}
	return err
}

// entry returns the value under a key of the state, nil if there is none.
func (s *State) entry(key []byte) []byte {
	c := newChangeList(1)
	if len(key) == 0 {
		return nil
	}
	switch kind, rest := key[0], key[1:]; {
	case kind == metaKey && len(rest) == 0:
		c.meta(s)
	case kind == accountKey:
		if a, err := decodeAccount(rest); err == nil {
			c.account(a, s.accounts[a])
		}
	case kind == openKey && len(rest) == 32 && s.Seen(types.Hash(rest)):
		c.seen(types.Hash(rest))
	case bytes.Equal(key, []byte{validatorKey, nextSet}):
		c.validators(nextSet, s.next)
	case bytes.Equal(key, []byte{validatorKey, newestSet}):
		c.validators(newestSet, s.newest)
	case kind == guestKey && len(rest) == 32:
		if g, ok := s.guests[types.PublicKey(rest)]; ok {
			c.guest(types.PublicKey(rest), g, false)
		}
	}
	if len(c.list) == 0 {
		return nil
	}
	return c.list[0].Value
}

// nameEntry says what an entry is about.
func nameEntry(key []byte) string {
	if len(key) > 0 {
		switch kind, rest := key[0], key[1:]; kind {
		case metaKey:
			return "height, seed and sum of all mints"
		case accountKey:
			if a, err := decodeAccount(rest); err == nil {
				return "account " + a.String()
			}
		case openKey:
			return "mark of the open record " + hex.EncodeToString(rest)
		case validatorKey:
			return "set of validators"
		case guestKey:
			return "guest " + hex.EncodeToString(rest)
		}
	}
	return "entry " + hex.EncodeToString(key)
}

// describe says what an entry holds.
func describe(key, value []byte) string {
	switch {
	case value == nil:
		return "nothing"
	case key[0] == accountKey && len(value) == 16:
		return fmt.Sprintf("balance %d, nonce %d", binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:]))
	case len(value) > 64:
		return fmt.Sprintf("%d bytes with hash %s", len(value), types.SumHash(value).Short())
	}
	return hex.EncodeToString(value)
}
