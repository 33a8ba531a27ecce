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
	// waitPatience is how much longer than where there is no load a record may wait for
	// its block, on average. Most are committed within three such spans.
	waitPatience = 75 * time.Millisecond
	// leastLimit is how many records may always wait: so few that even a slow
	// machine has them in a block soon, and enough that what a block costs
	// whatever its size does not bound the pace.
	leastLimit = 1_500
	// muchWaits is how many records, in a block or left for the next, are load.
	muchWaits = leastLimit / 2
	// calmBlocks is over how many blocks without load their time is averaged.
	calmBlocks = 8
	// breath is how long a chain may rest between two heights and still be busy
	// without a break.
	breath = 20 * time.Millisecond
	// stuckAfter is how long before a block a record must have come to be in it, had
	// it wanted only a block: by then every node has heard of it.
	stuckAfter = time.Second
	// refusalEcho is for how long after a refusal records may come that were sent
	// behind a refused one, before their sender knew.
	refusalEcho = time.Second
	// standstill is how long a height is under way when load is no reason for it any
	// more: many times what the largest block takes.
	standstill = 10 * time.Second
)

var (
	errOverload = message.Errorf(message.StatusTooFast,
		"the network has more records to commit than it can right now: wait a moment and send this again, and then more slowly")
	errStill = message.Errorf(message.StatusNotReady,
		"the network has been at one block for more than %v, and enough records wait for it: send this again once it goes on (posnet status tells who is missing)", standstill)
)

// throttle bounds how long a record that is accepted waits for its block, where
// more come than the network can commit: clients are refused at once instead. The
// pool's own limit bounds memory; at the pace of a slow network it would mean
// minutes.
//
// It goes by how long the records of a block waited, and no longer than the chain was
// busy without a break, beside what they wait where there is no load: how long a rule
// was not true, a pause between blocks, or a validator that was not there says nothing
// about load. While no height is under way nobody is refused: a rule may want a pool of
// any size.
type throttle struct {
	limit    atomic.Int64 // how many records may wait while a height is under way
	stuck    atomic.Int64 // how many wait for something else than a block
	underWay atomic.Bool
	began    atomic.Int64 // when the height under way got so, in nanoseconds since 1970
	refused  atomic.Int64 // when somebody was refused last, in nanoseconds since 1970

	// Of the main loop alone:
	since   time.Time     // when the height got under way; zero before
	ended   time.Time     // when the height before was decided
	busy    time.Time     // since when the chain is busy
	arrival types.Time    // when the records of the newest block came, on average; 0: none was in the pool
	calm    time.Duration // how long records wait where there is no load; 0: not known
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
	if !under || !t.since.IsZero() {
		return
	}
	t.since = time.Now()
	t.began.Store(t.since.UnixNano())
	if t.since.Sub(t.ended) > breath {
		t.busy = t.since
	}
}

// committed takes a block into account that was agreed on while this node
// watched, and how many records are left for the next; pause is the least time
// between two blocks, so long records wait in any case.
func (t *throttle) committed(records, left int, round uint32, pause time.Duration) {
	if round > 0 || t.since.IsZero() || t.arrival == 0 {
		return
	}
	waited := min(time.Since(t.arrival.Std()), time.Since(t.busy))
	switch {
	case records+left >= muchWaits:
	case t.calm == 0:
		t.calm = waited
	default:
		t.calm += (waited - t.calm) / calmBlocks
	}
	t.limit.Store(int64(nextLimit(int(t.limit.Load()), records+left, waited, max(t.calm+waitPatience, pause))))
}

// refuses reports whether clients were refused just now.
func (t *throttle) refuses() bool {
	return time.Now().UnixNano()-t.refused.Load() < int64(refusalEcho)
}

// begin notes that a height begins.
func (t *throttle) begin() {
	t.since, t.ended, t.arrival = time.Time{}, time.Now(), 0
	t.underWay.Store(false)
}

// nextLimit is how many records may wait after a block whose records waited so long,
// with so many in it or left: fewer in the same proportion if it was too long, but no
// less than half, or else an eighth more; so one validator in ten that dawdles holds up
// nobody for long. It goes by the limit and not by how many there are, for every node
// lets in as many before it has heard of what the others took. Where there are few,
// their waiting tells of a busy machine, which fewer would not mend.
func nextLimit(limit, records int, waited, allowed time.Duration) int {
	switch {
	case waited <= allowed:
		limit += limit / 8
	case records >= muchWaits:
		limit = min(limit, 2*records)
		limit = max(limit/2, int(float64(limit)*float64(allowed)/float64(waited)))
	}
	return min(max(limit, leastLimit), pool.MaxRecords)
}

// noteStuck counts the records that came well before a block was made and are not in
// it, though it had room: they wait for others of their signers, as anybody's may, and
// must not take the place of those that could be in a block.
func (e *Engine) noteStuck(b *types.Block) {
	stuck := 0
	if len(b.Records) < e.options.Config.Builder.MaxRecords {
		made := min(b.Header.Time, types.TimeOf(time.Now()))
		stuck = e.pool.OlderThan(types.TimeOf(made.Std().Add(-stuckAfter)))
	}
	e.throttle.stuck.Store(int64(stuck))
}

// Busy returns why records of clients are refused for now, or nil.
func (e *Engine) Busy() error {
	if !e.throttle.underWay.Load() {
		return nil
	}
	t := e.throttle
	if waiting := int64(e.pool.Stats().Size+e.intake.waiting()) - t.stuck.Load(); waiting > t.limit.Load() {
		now := time.Now().UnixNano()
		t.refused.Store(now)
		if now-t.began.Load() > int64(standstill) {
			return errStill
		}
		return errOverload
	}
	return nil
}
