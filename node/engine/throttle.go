package engine

import (
	"sync/atomic"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
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
	// largeBlock is how many records make a block large: one that holds half of what
	// may always wait.
	largeBlock = leastLimit / 2
	// smallBlocks is over how many small blocks their time is averaged.
	smallBlocks = 8
	// stuckAfter is how long before a block a record must have come to be in it, had
	// it wanted only a block: by then every node has heard of it.
	stuckAfter = time.Second
)

var errOverload = message.Errorf(message.StatusTooFast,
	"the network has more records to commit than it can right now: wait a moment and send this again, and then more slowly")

// throttle bounds how long a record that is accepted waits for its block, where
// more come than the network can commit: clients are refused at once instead. The
// pool's own limit bounds memory; at the pace of a slow network it would mean
// minutes.
//
// It goes by what large blocks take, from the moment in which their height got under
// way, beside what small ones take, which no load explains: how long a rule was not
// true, or a validator was not there, says nothing about load either. While no height
// is under way nobody is refused: a rule may want a pool of any size.
type throttle struct {
	limit    atomic.Int64 // how many records may wait while a height is under way
	stuck    atomic.Int64 // how many wait for something else than a block
	underWay atomic.Bool

	// Of the main loop alone:
	since time.Time     // when the height got under way; zero before
	small time.Duration // what small blocks take on average; 0 before the first
}

func newThrottle() *throttle {
	t := &throttle{}
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
	switch {
	case records >= largeBlock:
	case t.small == 0:
		t.small = took
	default:
		t.small += (took - t.small) / smallBlocks
	}
	patience := max(t.small+blockPatience, pause)
	t.limit.Store(int64(nextLimit(int(t.limit.Load()), records, took, patience)))
}

// begin notes that a height begins.
func (t *throttle) begin() {
	t.since = time.Time{}
	t.underWay.Store(false)
}

// nextLimit is how many records may wait after a block that took so long: fewer in
// the same proportion if it took too long, but no less than half, or else an eighth
// more; so one validator in ten that dawdles holds up nobody for long. It goes by the
// limit and not by what the block held, for every node lets in as many before it has
// heard of what the others took. A small block that took long tells of a busy
// machine, which fewer records would not mend.
func nextLimit(limit, records int, took, patience time.Duration) int {
	switch {
	case took <= patience:
		limit += limit / 8
	case records >= largeBlock:
		limit = min(limit, 2*records)
		limit = max(limit/2, int(float64(limit)*float64(patience)/float64(took)))
	}
	return min(max(limit, leastLimit), pool.MaxRecords)
}

// noteStuck counts the records that came well before a block's height got under way
// and are not in it, though it had room: they wait for others of their signers, as
// anybody's may, and must not take the place of those that could be in a block.
func (e *Engine) noteStuck(records int) {
	e.throttle.stuck.Store(0)
	if since := e.throttle.since; !since.IsZero() && records < e.options.Config.Builder.MaxRecords {
		e.throttle.stuck.Store(int64(e.pool.OlderThan(types.TimeOf(since.Add(-stuckAfter)))))
	}
}

// Busy returns why records of clients are refused for now, or nil.
func (e *Engine) Busy() error {
	if !e.throttle.underWay.Load() {
		return nil
	}
	if waiting := e.pool.Stats().Size + e.intake.waiting(); int64(waiting)-e.throttle.stuck.Load() > e.throttle.limit.Load() {
		return errOverload
	}
	return nil
}
