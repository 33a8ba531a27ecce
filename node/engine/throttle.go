package engine

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/rpc/message"
)

const (
	// blockPatience is how much longer than a small block agreeing on a large one may
	// take. A record waits for the block under way and then for its own, and some
	// time to get there: most are committed within three such spans.
	blockPatience = 100 * time.Millisecond
	// leastLimit is how many records may always wait: so few that even a slow
	// machine has them in a block soon, and enough that what a block costs
	// whatever its size does not bound the pace.
	leastLimit = 2_000
)

var errOverload = message.Errorf(message.StatusTooFast,
	"the network has more records to commit than it can right now: wait a moment and send this again, and then more slowly")

// throttle bounds how long a record that is accepted waits for its block, where
// more come than the network can commit: clients are refused at once instead. The
// pool's own limit bounds memory; at the pace of a slow network it would mean
// minutes.
//
// It goes by what blocks took that were large, from the moment in which their
// height got under way, and what the quickest took, which no load explains: how long
// a rule was not true, or a validator was not there, says nothing about load either. While no height is under way nobody is refused: a rule
// may want a pool of any size.
type throttle struct {
	limit    atomic.Int64 // how many records may wait while a height is under way
	underWay atomic.Bool

	// Of the main loop alone:
	since time.Time     // when the height got under way; zero before
	least time.Duration // what the quickest block took
}

func newThrottle() *throttle {
	t := &throttle{least: math.MaxInt64}
	t.limit.Store(pool.MaxRecords)
	return t
}

// see notes what the core is about.
func (t *throttle) see(step consensus.Step) {
	under := step >= consensus.StepPropose && step <= consensus.StepPrecommit
	t.underWay.Store(under)
	if under && t.since.IsZero() {
		t.since = time.Now()
	}
}

// committed takes a block into account that was agreed on while this node
// watched; pause is the least time between two blocks, which one may take in any
// case.
func (t *throttle) committed(records int, round uint32, pause time.Duration) {
	if round > 0 || t.since.IsZero() {
		return
	}
	took := time.Since(t.since)
	t.least = min(t.least, took)
	patience := max(t.least+blockPatience, pause)
	t.limit.Store(int64(nextLimit(int(t.limit.Load()), records, took, patience)))
}

// begin notes that a height begins.
func (t *throttle) begin() {
	t.since = time.Time{}
	t.underWay.Store(false)
}

// nextLimit is how many records may wait after a block that took so long: fewer in
// the same proportion if it took too long, or else an eighth more. It goes by the
// limit and not by what the block held, for every node lets in as many before it has
// heard of what the others took. A small block that took long tells of a busy
// machine, which fewer records would not mend.
func nextLimit(limit, records int, took, patience time.Duration) int {
	switch {
	case took <= patience:
		limit += limit / 8
	case records >= leastLimit/2:
		limit = int(float64(min(limit, records)) * float64(patience) / float64(took))
	}
	return min(max(limit, leastLimit), pool.MaxRecords)
}

// Busy returns why records of clients are refused for now, or nil.
func (e *Engine) Busy() error {
	if !e.throttle.underWay.Load() {
		return nil
	}
	if waiting := e.pool.Stats().Size + e.intake.waiting(); int64(waiting) > e.throttle.limit.Load() {
		return errOverload
	}
	return nil
}
