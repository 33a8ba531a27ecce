package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/posnet/posnet/node/types"
)

// The first byte of a key says what the entry is.
const (
	auxSpace    = 'a' // key of the engine -> its value
	blockSpace  = 'b' // height 8 -> size of the block 4 | block | certificate
	baseSpace   = 'i' // nothing -> height 8 of the state that was installed | the space it is in 1
	recordSpace = 'r' // id of a record 32 -> height 8 | index 4
	// The state is in one of two spaces: key of the ledger -> its value. Another
	// is staged in the other one.
	stateSpace  = 's'
	secondSpace = 't'
)

// chain is the Store on disk.
type chain struct {
	db     *pebble.DB
	dir    string
	faults *faults
	head   atomic.Uint64
	oldest atomic.Uint64 // the oldest block that is kept
	space  atomic.Uint32 // which of the two the state is in

	writing sync.Mutex // held by the one who writes
	broken  error      // once a write failed: every later one fails with it
	stuck   bool       // a batch was given up on, and Pebble may still be at it
}

// openChain opens the database in dir; create says whether it may be made.
func openChain(disk vfs.FS, dir string, create bool, logger *slog.Logger) (*chain, error) {
	c := &chain{dir: dir, faults: newFaults(logger)}
	db, err := openPebble(disk, dir, create, c.faults)
	if err == nil && create {
		// Pebble begins the first log of a new database in an old format, in which
		// damage cannot be told from the end that a power cut makes.
		if err = db.Close(); err != nil {
			return nil, c.failed("make", err)
		}
		db, err = openPebble(disk, dir, false, c.faults)
	}
	if err != nil {
		return nil, err
	}
	c.db = db
	if err := c.findHead(); err != nil {
		_ = db.Close() // where a file is damaged this fails, too, for the same reason
		return nil, err
	}
	return c, nil
}

// findHead finds where the state is, and sets the head to the last block there
// is, which must be whole, or to the height of a state that was installed.
func (c *chain) findHead() error {
	base, err := c.findBase()
	if err != nil {
		return c.failed("read", err)
	}
	c.head.Store(base)
	c.oldest.Store(base + 1)
	it, err := c.iter([]byte{blockSpace}, nil)
	if err != nil {
		return c.failed("read", err)
	}
	defer it.Close()
	if it.Last() {
		height, err := blockHeight(it.Key())
		if err == nil {
			_, _, err = splitBlock(height, it.Value())
		}
		if err != nil {
			return c.failed("read", err)
		}
		c.head.Store(height)
		if err = c.findGap(it); err != nil {
			return err
		}
		if err = c.findOldest(it); err != nil {
			return c.failed("read", err)
		}
	}
	if err := it.Error(); err != nil {
		return c.failed("read", err)
	}
	return nil
}

// findBase finds the space of the state, and the height of the one that was
// installed last, 0 if none was.
func (c *chain) findBase() (height uint64, err error) {
	c.space.Store(stateSpace)
	value, ok, err := c.get([]byte{baseSpace})
	if err != nil || !ok {
		return 0, err
	}
	d := types.NewDecoder(value)
	height = d.Uint64()
	space := d.Uint8()
	if space != stateSpace && space != secondSpace {
		return 0, fmt.Errorf("the state should be in space %d: there is none", space)
	}
	c.space.Store(uint32(space))
	return height, d.Finish()
}

// gapBytes is how much of the newest blocks is looked through for a gap: more than can
// be on disk in logs alone, which is what the tables in memory hold.
const gapBytes = 4 * memTableBytes

// findGap fails where a block is missing among the newest, from where an iterator
// over all stands. Pebble does not notice a log that is gone, file and all; the state
// that the block left is then wrong as well.
func (c *chain) findGap(it *pebble.Iterator) error {
	next, seen := c.Head(), 0
	for ; it.Valid() && seen < gapBytes; it.Prev() {
		height, err := blockHeight(it.Key())
		if err != nil {
			return c.failed("read", err)
		}
		if height != next {
			return fmt.Errorf("storage: the chain in %s is damaged, for block %d is not in it and block %d is: %s", c.dir, next, next+1, advice)
		}
		next, seen = height-1, seen+len(it.Value())
	}
	if err := it.Error(); err != nil {
		return c.failed("read", err)
	}
	return nil
}

// findOldest sets the oldest block to the first of an iterator over all.
func (c *chain) findOldest(it *pebble.Iterator) error {
	if !it.First() {
		return it.Error()
	}
	height, err := blockHeight(it.Key())
	c.oldest.Store(height)
	return err
}

func (c *chain) failed(verb string, err error) error {
	return fmt.Errorf("storage: cannot %s the chain in %s: %w", verb, c.dir, advised(err))
}

// iter walks the keys that begin with prefix, from prefix+from on.
func (c *chain) iter(prefix, from []byte) (*pebble.Iterator, error) {
	return c.db.NewIter(&pebble.IterOptions{
		LowerBound: append(append([]byte{}, prefix...), from...),
		UpperBound: after(prefix),
	})
}

// after returns the first key that is behind all keys with a prefix, or nil
// where there is none.
func after(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := append([]byte{}, prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// get returns a copy of the value under key.
func (c *chain) get(key []byte) (value []byte, ok bool, err error) {
	v, closer, err := c.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, c.failed("read", err)
	}
	value = append(make([]byte, 0, len(v)), v...)
	return value, true, closer.Close()
}

// Head implements Store.
func (c *chain) Head() uint64 { return c.head.Load() }

// Oldest implements Store.
func (c *chain) Oldest() uint64 { return c.oldest.Load() }

// Block implements Store.
func (c *chain) Block(height uint64) (block, certificate []byte, err error) {
	value, ok, err := c.get(binary.BigEndian.AppendUint64([]byte{blockSpace}, height))
	if err != nil {
		return nil, nil, err
	}
	if !ok || height > c.Head() {
		return nil, nil, ErrNotFound
	}
	return splitBlock(height, value)
}

// Blocks implements Store.
func (c *chain) Blocks(from uint64, yield func(height uint64, block, certificate []byte) bool) error {
	head := c.Head()
	it, err := c.iter([]byte{blockSpace}, binary.BigEndian.AppendUint64(nil, from))
	if err != nil {
		return c.failed("read", err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		height, err := blockHeight(it.Key())
		if err != nil {
			return c.failed("read", err)
		}
		value := append([]byte{}, it.Value()...)
		block, certificate, err := splitBlock(height, value)
		if err != nil {
			return err
		}
		if height > head || !yield(height, block, certificate) {
			break
		}
	}
	if err := it.Error(); err != nil {
		return c.failed("read", err)
	}
	return nil
}

func blockHeight(key []byte) (uint64, error) {
	if len(key) != 1+8 {
		return 0, fmt.Errorf("key %.16x of %d bytes is no block's", key, len(key))
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}

func splitBlock(height uint64, value []byte) (block, certificate []byte, err error) {
	d := types.NewDecoder(value)
	block = d.Bytes(len(value))
	if d.Err() != nil {
		return nil, nil, fmt.Errorf("storage: the stored block of height %d is damaged: %w", height, d.Err())
	}
	end := 4 + len(block)
	return block, value[end:len(value):len(value)], nil
}

// Place implements Store.
func (c *chain) Place(id types.Hash) (height uint64, index uint32, ok bool, err error) {
	var key [1 + len(id)]byte
	value, ok, err := c.get(recordKey(key[:0], id))
	if err != nil || !ok {
		return 0, 0, false, err
	}
	d := types.NewDecoder(value)
	height, index = d.Uint64(), d.Uint32()
	if err := d.Finish(); err != nil {
		return 0, 0, false, c.failed("read", err)
	}
	return height, index, height <= c.Head(), nil
}

func recordKey(b []byte, id types.Hash) []byte {
	return append(append(b, recordSpace), id[:]...)
}

// State implements Store.
func (c *chain) State(yield func(key, value []byte) error) error {
	return c.walkState(c.db, byte(c.space.Load()), yield)
}

// walkState calls yield for each entry in a space of the state.
func (c *chain) walkState(from pebble.Reader, space byte, yield func(key, value []byte) error) error {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: after([]byte{space})})
	if err != nil {
		return c.failed("read", err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if err := yield(it.Key()[1:], it.Value()); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return c.failed("read", err)
	}
	return nil
}

// view is the View of the store on disk.
type view struct {
	chain *chain
	at    *pebble.Snapshot
	space byte
}

// View implements Store.
func (c *chain) View() (View, error) {
	c.writing.Lock() // so that head and space are those of the snapshot
	defer c.writing.Unlock()
	if c.broken != nil {
		return nil, c.failed("read", c.broken)
	}
	return &view{c, c.db.NewSnapshot(), byte(c.space.Load())}, nil
}

// State implements View.
func (v *view) State(yield func(key, value []byte) error) error {
	return v.chain.walkState(v.at, v.space, yield)
}

// Close implements View.
func (v *view) Close() error { return v.at.Close() }

// Aux implements Store.
func (c *chain) Aux(key []byte) (value []byte, ok bool, err error) {
	return c.get(append([]byte{auxSpace}, key...))
}

// AuxRange implements Store.
func (c *chain) AuxRange(prefix, from []byte, limit int) ([]Change, error) {
	it, err := c.iter(append([]byte{auxSpace}, prefix...), from)
	if err != nil {
		return nil, c.failed("read", err)
	}
	defer it.Close()
	var list []Change
	for it.First(); it.Valid() && len(list) < limit; it.Next() {
		list = append(list, Change{Key: append([]byte{}, it.Key()[1:]...), Value: append([]byte{}, it.Value()...)})
	}
	if err := it.Error(); err != nil {
		return nil, c.failed("read", err)
	}
	return list, nil
}
