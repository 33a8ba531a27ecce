// Package pool holds the records that wait for a block: bounded, in the order of
// their arrival, safe for use by several goroutines.
//
// Records whose nonce comes too early wait in it like all others and count in its
// size, since only the ledger knows which those are; Expire bounds how long.
package pool

import (
	"errors"
	"sync"
	"time"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

const (
	// MaxRecords is how many records may wait: five of the largest blocks that
	// a builder makes unless told otherwise. Each takes about 0.8 kB of memory.
	MaxRecords = 100_000
	// MaxBytes is how much they may take encoded: two blocks of types.MaxBlockBytes.
	MaxBytes = 2 * types.MaxBlockBytes
	// MaxPerSigner is how many records of one key may wait, so that ten keys at
	// least share the pool; no nonce further ahead is admitted.
	MaxPerSigner = ledger.MaxNonceGap
	// GapPatience is how long a record should wait for others of its signer with
	// lower nonces before Expire takes it out: longer than any client tries
	// again, short enough that nobody blocks the pool for long at no cost.
	GapPatience = 10 * time.Minute
)

var (
	// ErrDuplicate means that the very record waits already.
	ErrDuplicate = errors.New("the record waits in the pool already")
	// ErrFull means that the pool takes no more records for now.
	ErrFull = errors.New("the pool is full: try again when the next block is made")
	// ErrSignerFull means that the pool takes no more records of this signer for now.
	ErrSignerFull = errors.New("too many records of this signer wait in the pool: try again when the next block is made")
)

// Pool is the pool. New makes one.
type Pool struct {
	authority types.PublicKey
	changed   chan struct{}

	mu      sync.Mutex
	byID    map[types.Hash]*item
	byTurn  map[turn]*item
	signers map[types.PublicKey]signer
	head    *item // the oldest
	tail    *item // the newest
	bytes   int
	guests  int // entries and leaves
}

// item is a record in its place in the order of arrival.
type item struct {
	record     types.VerifiedRecord
	arrival    types.Time
	turn       turn
	signed     bool
	gone       bool
	prev, next *item // next stays when the item is gone, for those who stand on it
}

// turn is a place in the records of one signer.
type turn struct {
	key   types.PublicKey
	nonce uint64
}

// signer is what the pool knows of one key.
type signer struct {
	count int
	low   uint64 // no record of it that waits has a lower nonce
}

// New returns an empty pool; authority is the key that signs stake records.
func New(authority types.PublicKey) *Pool {
	return &Pool{
		authority: authority,
		changed:   make(chan struct{}, 1),
		byID:      map[types.Hash]*item{},
		byTurn:    map[turn]*item{},
		signers:   map[types.PublicKey]signer{},
	}
}

// Changed tells that the pool is not as it was: one message for any number of
// changes since the last was taken. It is for one reader.
func (p *Pool) Changed() <-chan struct{} { return p.changed }

func (p *Pool) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Stats are what builder rules ask about.
type Stats struct {
	Size   int        // records, those that wait for others of their signer included
	Bytes  int        // their encoded size
	Oldest types.Time // when the oldest arrived; 0 if there is none
	Newest types.Time // when the newest arrived; 0 if there is none
	Guests int        // entries and leaves of guests among them
}

// Span is the newest arrival minus the oldest.
func (s Stats) Span() time.Duration { return s.Newest.Sub(s.Oldest) }

// Age is now minus the oldest arrival, and 0 for an empty pool.
func (s Stats) Age(now types.Time) time.Duration {
	if s.Size == 0 {
		return 0
	}
	return max(0, now.Sub(s.Oldest))
}

// Stats returns the present figures; it costs the same for any pool.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Size: len(p.byID), Bytes: p.bytes, Guests: p.guests}
	if p.head != nil {
		s.Oldest, s.Newest = p.head.arrival, p.tail.arrival
	}
	return s
}

// Has reports whether a record waits.
func (p *Pool) Has(id types.Hash) bool {
	_, ok := p.Get(id)
	return ok
}

// Get returns a record that waits, and whether it does.
func (p *Pool) Get(id types.Hash) (types.VerifiedRecord, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	it, ok := p.byID[id]
	if !ok {
		return types.VerifiedRecord{}, false
	}
	return it.record, true
}

// Collect returns the records with these ids, in their order, and the ids that
// are missing; the place of a missing one holds the zero value.
func (p *Pool) Collect(ids []types.Hash) (records []types.VerifiedRecord, missing []types.Hash) {
	records = make([]types.VerifiedRecord, len(ids))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, id := range ids {
		if it, ok := p.byID[id]; ok {
			records[i] = it.record
			continue
		}
		missing = append(missing, id)
	}
	return records, missing
}

// Missing returns those of the ids that do not wait here.
func (p *Pool) Missing(ids []types.Hash) []types.Hash {
	_, missing := p.Collect(ids)
	return missing
}

// NextNonce returns the first nonce from next on with which no record of a
// signer waits: the one to use for another record, where next is that of the
// signer's account.
func (p *Pool) NextNonce(key types.PublicKey, next uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.endOfRun(key, next)
}

func (p *Pool) endOfRun(key types.PublicKey, next uint64) uint64 {
	for p.byTurn[turn{key, next}] != nil {
		next++
	}
	return next
}
