// Package storage keeps what a node must not lose: the chain with the state
// and the indices that belong to it (Store), and what the validator signed
// (SignLog). Open keeps both in one folder on disk, NewMemory in memory; both
// pass the same tests.
package storage

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// ErrNotFound means that the store has no such block.
var ErrNotFound = errors.New("storage: no such block")

// ErrNotOldest means that a block to be pruned is not the oldest there is.
var ErrNotOldest = errors.New("it must be the oldest")

// Identity says whose data a folder holds. A folder is stamped with it once and
// opened for nobody else.
type Identity struct {
	Network   types.Hash      // the network's id
	Validator types.PublicKey // the validator's signing key
	Name      string          // the validator's name, for error messages only
}

// Change sets Key to Value; a nil Value deletes the key.
type Change struct{ Key, Value []byte }

// Commit is all that one height changes. It is stored whole or not at all.
type Commit struct {
	Height      uint64
	Block       []byte       // encoded; empty at height 0
	Certificate []byte       // encoded; empty at height 0
	Records     []types.Hash // ids of the block's records, in their order
	State       []Change     // what changes in the ledger's state: of which height the engine knows
	Aux         []Change     // what the engine keeps beside: seeds, participants, evidence
}

// checkAll says whether commits may follow; stateless tells whether the store has
// no state yet.
func checkAll(heights []Commit, head uint64, stateless func() (bool, error)) error {
	for i := range heights {
		if err := heights[i].check(head, stateless); err != nil {
			return err
		}
		if head = heights[i].Height; head == 0 && len(heights) > 1 {
			return errors.New("storage: height 0 is stored alone")
		}
	}
	return nil
}

// check says whether the commit may follow; stateless tells whether the store
// has no state yet.
func (c *Commit) check(head uint64, stateless func() (bool, error)) error {
	if c.Height != 0 || head != 0 {
		if c.Height != head+1 {
			return fmt.Errorf("storage: a commit of height %d does not follow the last, of height %d: heights are stored one by one", c.Height, head)
		}
		return nil
	}
	if len(c.Block) > 0 || len(c.Certificate) > 0 || len(c.Records) > 0 {
		return errors.New("storage: height 0 has state only, no block")
	}
	if ok, err := stateless(); err != nil || ok {
		return err
	}
	return errors.New("storage: the state of height 0 is stored already")
}

// Pruned is the oldest block, which is let go with all that belongs to it.
type Pruned struct {
	Height  uint64
	Records []types.Hash // ids of the block's records
	Aux     []Change     // what the engine keeps of the height
}

// Installed is a height to go on from, in place of all that was there.
type Installed struct {
	Height uint64   // of the staged state
	Aux    []Change // what the engine keeps of it
	Drop   [][]byte // prefixes of auxiliary entries that go with the blocks
}

// View is the state of one moment, whatever is committed after it. It costs
// nothing to make; while it is open, what is overwritten keeps its place on disk.
type View interface {
	// State is that of Store, as of when the view was made.
	State(yield func(key, value []byte) error) error
	// Close ends the use of the view; the store must still be open.
	Close() error
}

// Store is the chain on disk or in memory. All methods may be called at the
// same time from several goroutines. Slices that come out belong to the
// caller, except in State; slices that go in are not kept.
//
// An error of Commit or Put means that the disk failed. Whether the change is
// stored is unknown until the store is opened again, so that every later write
// fails too; reads may go on.
type Store interface {
	// Head is the height of the last committed block; 0 before the first.
	Head() uint64

	// Oldest is the height of the oldest block that is kept, Head+1 where there is
	// none: 1 until the first Prune or Install.
	Oldest() uint64

	// Block returns the encoded block and its encoded certificate. The error is
	// ErrNotFound for heights outside Oldest to Head.
	Block(height uint64) (block, certificate []byte, err error)

	// Blocks calls yield for the blocks from a height, or from Oldest if that is
	// above it, to Head in order, until yield returns false. It costs much less than as many calls
	// of Block.
	Blocks(from uint64, yield func(height uint64, block, certificate []byte) bool) error

	// Place tells which block that is kept holds a record, and its index there.
	Place(id types.Hash) (height uint64, index uint32, ok bool, err error)

	// State calls yield for each entry of the ledger's state as commits have left
	// it, in the order of the keys. Key and value are valid until yield returns. An
	// error of yield ends the walk and is returned.
	State(yield func(key, value []byte) error) error

	// Aux returns the auxiliary entry under key.
	Aux(key []byte) (value []byte, ok bool, err error)

	// AuxRange returns at most limit auxiliary entries whose keys begin with
	// prefix, in the order of the keys, from the key prefix+from on.
	AuxRange(prefix, from []byte, limit int) ([]Change, error)

	// Commit stores the height after Head, or several from there on, one after
	// another: all of them or none. They are on disk when Commit returns. A commit
	// of height 0, which stores the state of genesis, is allowed on a store without
	// state, and alone. Any other height is an error that changes nothing.
	Commit(heights ...Commit) error

	// Put changes auxiliary entries outside of a commit; they are on disk when
	// Put returns.
	Put(aux ...Change) error

	// Prune lets go of the block of height Oldest, which must be below Head: else
	// the error is ErrNotOldest. It
	// does not wait for the disk: after a power cut the block may be there again.
	Prune(p Pruned) error

	// View returns the state as of now.
	View() (View, error)

	// Stage adds entries to a state that is put together aside. Neither State nor
	// anything else shows it until Install. It does not wait for the disk, and
	// what was staged when the process ends is there again or not: whoever begins
	// calls Unstage first.
	Stage(entries ...Change) error

	// Unstage lets go of all that was staged.
	Unstage() error

	// Install makes the staged state, of a height above Head, the state, and its
	// height Head, and drops all blocks: all of it or nothing. It is on disk when
	// Install returns.
	Install(i Installed) error

	// Close ends the use of the store; it waits for a write under way. Nothing
	// else may be called after it, but Close itself.
	Close() error
}

// check says whether the block may be let go of.
func (p *Pruned) check(oldest, head uint64) error {
	if p.Height != oldest || oldest >= head {
		return fmt.Errorf("storage: block %d cannot be pruned: %w: that is %d, and the newest, which stays, %d", p.Height, ErrNotOldest, oldest, head)
	}
	return nil
}

// check says whether the state may take the place of what is there.
func (i *Installed) check(head uint64) error {
	if i.Height <= head {
		return fmt.Errorf("storage: a state of height %d cannot take the place of one of height %d: it must be newer", i.Height, head)
	}
	return nil
}

// MaxSignBytes is the most that the entries of one Append may take together:
// the largest block with the ids of its records, and votes and a signed
// proposal beside.
const MaxSignBytes = types.MaxBlockBytes + 32*types.MaxBlockRecords + 1<<20

// SignEntry is something a validator signed, or must hold before it signs.
// The engine gives Kind and Data their meaning.
type SignEntry struct {
	Height uint64
	Round  uint32
	Kind   uint8
	Data   []byte
}

// SignLog is what a validator signed, on disk before it is on the wire. All
// methods may be called at the same time from several goroutines.
type SignLog interface {
	// Entries returns all entries that were not pruned, in the order appended.
	// Entries below the height of the last Prune may be among them.
	Entries() ([]SignEntry, error)

	// Append adds entries; they are on disk (synced, checksummed) when it
	// returns, all or none. After an error nothing may be sent that depends on
	// them, and every later Append fails too: what is on disk is unknown until
	// the log is opened again. Entries larger than MaxSignBytes are refused and
	// do no such harm.
	Append(entries ...SignEntry) error

	// Prune lets go of entries below a height. It is cheap and may keep some of
	// them; it never loses others, whenever the machine stops.
	Prune(below uint64) error

	// Fresh reports whether the log cannot tell all that was signed, so that the
	// validator has to watch before it votes: nothing was ever appended, in this
	// life of the process or an earlier one, because the disk is new or was lost;
	// or the log's end is damaged, and nothing was appended since.
	Fresh() bool

	// Close ends the use of the log; it waits for a write under way. Nothing
	// else may be called after it, but Close itself.
	Close() error
}

// Data is one validator's whole data: its store and its sign log.
type Data struct {
	Store   Store
	SignLog SignLog

	release func() error // gives the folder's lock back; nil in memory
}

// Close closes the sign log and the store and releases the folder. To close
// again does nothing.
func (d *Data) Close() error {
	err := errors.Join(d.SignLog.Close(), d.Store.Close())
	if d.release != nil {
		err = errors.Join(err, d.release())
	}
	return err
}
