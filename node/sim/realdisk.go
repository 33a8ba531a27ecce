package sim

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// realDisk keeps a node's data as a node in production does, with the package
// storage, on a file system in memory that can lose power or fail at any sync.
type realDisk struct {
	id   storage.Identity
	disk *vfs.MemFS
	data *storage.Data

	mu      sync.Mutex // pebble syncs on a goroutine of its own
	left    int        // sync points until the failure; 0: none is to come
	mode    DiskFailure
	failing bool
	after   *vfs.MemFS // what a power cut left over; nil: there was none
}

// DiskFailure is what happens at a sync point.
type DiskFailure uint8

// The power fails and nothing, or everything, of what was not synced is on the
// disk; or the disk fails until the node is started again.
const (
	LosesUnsynced DiskFailure = iota
	KeepsUnsynced
	GivesErrors
	diskFailures
)

// String returns what happens.
func (f DiskFailure) String() string {
	return [...]string{"power cut, unsynced lost", "power cut, unsynced kept", "errors"}[f]
}

func newRealDisk(w *World, key types.PublicKey) *realDisk {
	return &realDisk{id: storage.Identity{Network: w.keys.network, Validator: key, Name: "sim"}, disk: vfs.NewCrashableMem()}
}

// fail plans a failure, so many sync points from now.
func (r *realDisk) fail(points int, mode DiskFailure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.mode = points, mode
}

// point is called before each sync; its error is the sync's.
func (r *realDisk) point() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left > 0 {
		if r.left--; r.left == 0 {
			r.failing = true
			if r.mode != GivesErrors {
				r.after = r.clone(r.mode == KeepsUnsynced)
			}
		}
	}
	if r.failing && r.mode == GivesErrors {
		return syscall.EIO
	}
	return nil
}

// kill is what the end of the process leaves over: nothing, or everything, of what
// was not synced, as if the power had failed or not.
func (r *realDisk) kill(keeps bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.after == nil {
		r.after = r.clone(keeps)
	}
}

func (r *realDisk) clone(keeps bool) *vfs.MemFS {
	c := vfs.CrashCloneCfg{RNG: seeded(0, 0)} // which is asked, but has no choice
	if keeps {
		c.UnsyncedDataPercent = 100
	}
	return r.disk.CrashClone(c)
}

// failed reports whether the power or the disk has failed, upon which the node
// is no more.
func (r *realDisk) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// open opens the folder of what the last failure left over.
func (r *realDisk) open() error {
	r.mu.Lock()
	if r.after != nil {
		r.disk = r.after
	}
	r.failing, r.after = false, nil
	r.mu.Unlock()
	var err error
	r.data, err = storage.OpenOn(syncPoints{r.disk, r}, "/data", r.id, nil)
	return err
}

// close ends the use of the folder. After a failure that fails too.
func (r *realDisk) close() error {
	if r.data == nil {
		return nil
	}
	r.fail(0, 0)
	err := r.data.Close()
	r.data = nil
	if r.failed() {
		return nil
	}
	return err
}

// The kinds of entry in the sign log.
const (
	entryBody uint8 = iota + 1
	entryLock
	entryLockPrevote
	entryVote
	entryProposal
)

// sign puts an entry in the sign log.
func (r *realDisk) sign(e entry) error {
	at := purposeOf(e.message)
	var list []storage.SignEntry
	add := func(kind uint8, raw []byte) {
		list = append(list, storage.SignEntry{Height: at.height, Round: at.round, Kind: kind, Data: raw})
	}
	for _, b := range e.bodies {
		add(entryBody, b.encode())
	}
	if e.lock != nil {
		add(entryLock, e.lock.Proposal.Value().Encode())
		for _, v := range e.lock.Prevotes {
			add(entryLockPrevote, v.Value().Encode())
		}
	}
	switch m := e.message.(type) {
	case *types.Vote:
		add(entryVote, m.Encode())
	case *types.Proposal:
		add(entryProposal, m.Encode())
	}
	return r.data.SignLog.Append(list...)
}

// commit stores a block and lets go of what was signed up to it.
func (r *realDisk) commit(b committed) error {
	height := b.block.header.Height
	err := r.data.Store.Commit(storage.Commit{Height: height, Block: b.block.encode(), Certificate: b.certificate.Encode(), Records: b.block.ids})
	if err != nil || r.failed() {
		return err
	}
	return r.data.SignLog.Prune(height + 1)
}

// load reads back what is on the disk.
func (r *realDisk) load() (d disk, err error) {
	err = r.data.Store.Blocks(1, func(_ uint64, block, certificate []byte) bool {
		c, failure := types.DecodeCertificate(certificate)
		b, wrong := decodeBody(block)
		if err = errors.Join(failure, wrong); err == nil {
			d.chain = append(d.chain, committed{b, *c})
		}
		return err == nil
	})
	if err != nil {
		return d, err
	}
	entries, err := r.data.SignLog.Entries()
	var next entry
	for _, e := range entries {
		if e.Height <= uint64(len(d.chain)) || err != nil {
			continue // committed, and not pruned yet
		}
		if err = next.read(e); err == nil && next.message != nil {
			d.log, next = append(d.log, next), entry{}
		}
	}
	return d, err
}

// read adds a part of an entry; it is whole when there is a message.
func (e *entry) read(part storage.SignEntry) (err error) {
	switch part.Kind {
	case entryBody:
		var b *block
		if b, err = decodeBody(part.Data); err == nil {
			e.bodies = append(e.bodies, b)
		}
	case entryLock:
		var p *types.Proposal
		p, err = types.DecodeProposal(part.Data)
		e.lock = &consensus.Lock{Proposal: types.Vouch(p)}
	case entryLockPrevote:
		var v types.Vote
		v, err = types.DecodeVote(part.Data)
		e.lock.Prevotes = append(e.lock.Prevotes, types.Vouch(&v))
	case entryVote:
		var v types.Vote
		v, err = types.DecodeVote(part.Data)
		e.message = &v
	case entryProposal:
		e.message, err = types.DecodeProposal(part.Data)
	default:
		err = fmt.Errorf("sim: an entry of kind %d", part.Kind)
	}
	return err
}
