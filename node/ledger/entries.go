package ledger

import (
	"encoding/binary"

	"github.com/posnet/posnet/node/types"
)

// Change is an entry of the state that a block sets, or deletes where Value is
// nil.
type Change struct{ Key, Value []byte }

// The first byte of a key.
const (
	metaKey      = 'm'
	accountKey   = 'a'
	openKey      = 'o'
	validatorKey = 'v'
	guestKey     = 'g'
)

// The second byte of a validators key.
const (
	nextSet   = 1 // of height+1
	newestSet = 2 // of height+2
)

// entryBytes is the most that key and value of an entry take; validators aside,
// a guest's are the largest.
const entryBytes = 1 + 32 + 32 + 8 + 8 + 1 + 8 + 8

// changeList collects changes whose bytes lie side by side.
type changeList struct {
	list  []Change
	arena []byte
}

func newChangeList(n int) *changeList {
	return &changeList{list: make([]Change, 0, n)}
}

// open makes room for one entry and returns where it begins. What lies in the
// arena never moves, since changes point into it.
func (c *changeList) open() int {
	const chunk = 16 << 10 // about 300 accounts
	if cap(c.arena)-len(c.arena) < entryBytes {
		c.arena = make([]byte, 0, chunk)
	}
	return len(c.arena)
}

// add makes a change of the end of the arena: the key begins at from, the value
// at middle.
func (c *changeList) add(from, middle int) {
	end := len(c.arena)
	c.list = append(c.list, Change{Key: c.arena[from:middle:middle], Value: c.arena[middle:end:end]})
}

// drop makes the deletion of a key of the end of the arena.
func (c *changeList) drop(from int) {
	end := len(c.arena)
	c.list = append(c.list, Change{Key: c.arena[from:end:end]})
}

func (c *changeList) meta(s *State) {
	from := c.open()
	c.arena = append(c.arena, metaKey)
	middle := len(c.arena)
	c.arena = append(c.arena, s.network[:]...)
	c.arena = binary.BigEndian.AppendUint64(c.arena, s.height)
	c.arena = append(c.arena, s.seed[:]...)
	c.arena = binary.BigEndian.AppendUint64(c.arena, s.minted)
	c.add(from, middle)
}

func (c *changeList) account(a types.Account, v AccountState) {
	from := c.open()
	c.arena = append(c.arena, accountKey, byte(a.Kind))
	c.arena = append(c.arena, a.Bytes()...)
	if v == (AccountState{}) {
		c.drop(from)
		return
	}
	middle := len(c.arena)
	c.arena = binary.BigEndian.AppendUint64(c.arena, v.Balance)
	c.arena = binary.BigEndian.AppendUint64(c.arena, v.Nonce)
	c.add(from, middle)
}

func (c *changeList) seen(id types.Hash) {
	from := c.open()
	c.arena = append(c.arena, openKey)
	c.arena = append(c.arena, id[:]...)
	middle := len(c.arena)
	c.arena = append(c.arena, 1)
	c.add(from, middle)
}

func (c *changeList) validators(which byte, set *types.ValidatorSet) {
	c.list = append(c.list, Change{Key: []byte{validatorKey, which}, Value: set.Encode()})
}

func (c *changeList) guest(session types.PublicKey, g Guest, gone bool) {
	from := c.open()
	c.arena = append(c.arena, guestKey)
	c.arena = append(c.arena, session[:]...)
	if gone {
		c.drop(from)
		return
	}
	middle := len(c.arena)
	c.arena = append(c.arena, g.Host[:]...)
	c.arena = binary.BigEndian.AppendUint64(c.arena, g.Balance)
	c.arena = binary.BigEndian.AppendUint64(c.arena, g.BPM)
	c.arena = append(c.arena, bit(g.Waiting))
	c.arena = binary.BigEndian.AppendUint64(c.arena, g.From)
	c.arena = binary.BigEndian.AppendUint64(c.arena, g.Until)
	c.add(from, middle)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
