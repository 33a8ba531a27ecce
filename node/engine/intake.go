package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

const (
	// maxQueued is how many records may wait for their signatures to be checked:
	// as many as the pool holds. A client beyond that is told to come again.
	maxQueued = pool.MaxRecords
	// maxFrames is how many frames they may come in.
	maxFrames = 4_096
	// gossipPatience is how long a peer's gossip waits for room. Then it is lost,
	// and what proposals name of it is asked for; a link that is not read from
	// for longer would break.
	gossipPatience = time.Second
	// maxBatch is how many signatures are checked at once: more saves little
	// and makes the first of them wait.
	maxBatch = 512
)

var (
	errStopping = message.Errorf(message.StatusNotReady, "the node is stopping: try another node")
	errBusy     = message.Errorf(message.StatusTooFast, "more records are waiting than this node can check: send more slowly, or through another node")
)

// queued is records that came together and wait for their signatures to be
// checked. done gets, for each record, the verified one or an error, and
// returns the records that peers are to hear of. Records of a client may be refused
// before that, instead.
type queued struct {
	records []*types.Record
	done    func([]types.VerifiedRecord, []error) []*types.Record
	refuse  func(error) // nil for what peers tell of
}

// intake checks signatures of records in batches: whatever has come while one
// batch was checked makes up the next, so that batches grow with the load and
// nobody waits without it.
type intake struct {
	engine *Engine
	queue  chan queued
	room   chan struct{} // holds one: there may be room again

	mu      sync.Mutex
	records int                // in the queue or being checked
	pending map[types.Hash]int // how often each of them is
}

func newIntake(e *Engine) *intake {
	return &intake{engine: e, queue: make(chan queued, maxFrames), room: make(chan struct{}, 1), pending: map[types.Hash]int{}}
}

// holds reports whether a record is on its way through the intake: nobody has
// to be asked for it.
func (in *intake) holds(id types.Hash) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.pending[id] > 0
}

// waiting is how many records are in the queue or being checked.
func (in *intake) waiting() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.records
}

// put queues a frame if there is room, and reports whether it did. A frame
// always fits into an empty queue.
func (in *intake) put(f queued) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.records > 0 && in.records+len(f.records) > maxQueued {
		return false
	}
	select {
	case in.queue <- f:
	default:
		return false
	}
	in.records += len(f.records)
	for _, r := range f.records {
		in.pending[r.ID()]++
	}
	return true
}

// checked takes note that records went through.
func (in *intake) checked(records []*types.Record) {
	in.mu.Lock()
	in.records -= len(records)
	for _, r := range records {
		id := r.ID()
		if n := in.pending[id]; n > 1 {
			in.pending[id] = n - 1
		} else {
			delete(in.pending, id)
		}
	}
	in.mu.Unlock()
	in.tellRoom()
}

func (in *intake) tellRoom() {
	select {
	case in.room <- struct{}{}:
	default:
	}
}

// submit queues a frame from a client; it fails at once where the queue is full.
func (in *intake) submit(f queued) error {
	if !in.put(f) {
		return errBusy
	}
	return nil
}

// wait queues a frame from a peer when there is room, but not for ever.
func (in *intake) wait(f queued) {
	if in.put(f) {
		return
	}
	patience := time.NewTimer(gossipPatience)
	defer patience.Stop()
	for {
		select {
		case <-in.room:
			if in.put(f) {
				in.tellRoom() // others may wait too
				return
			}
		case <-patience.C:
			return
		case <-in.engine.ctx.Done():
			return
		}
	}
}

func (in *intake) run() {
	for {
		select {
		case <-in.engine.ctx.Done():
			return
		case first := <-in.queue:
			in.check(in.more(first))
		}
	}
}

// more returns first and what waits behind it, up to a batch.
func (in *intake) more(first queued) []queued {
	frames, count := []queued{first}, len(first.records)
	for count < maxBatch {
		select {
		case f := <-in.queue:
			frames = append(frames, f)
			count += len(f.records)
		default:
			return frames
		}
	}
	return frames
}

// check checks the records of queueds, and hands each frame its own.
func (in *intake) check(frames []queued) {
	if in.engine.throttle.refuses() {
		frames = in.inTurn(frames)
	}
	var all []*types.Record
	for _, f := range frames {
		all = append(all, f.records...)
	}
	verified, errs := in.engine.verify(all)
	var news []*types.Record
	for _, f := range frames {
		n := len(f.records)
		news = append(news, f.done(verified[:n:n], errs[:n:n])...)
		verified, errs = verified[n:], errs[n:]
	}
	in.checked(all) // now that they are in the pool: in between nobody asks for them
	in.engine.recordsCame()
	in.engine.gossip(news)
}

// gossip tells all peers of records.
func (e *Engine) gossip(records []*types.Record) {
	for len(records) > 0 {
		n := min(len(records), maxGossipRecords)
		e.options.Links.Broadcast(p2p.KindRecords, types.EncodeRecords(records[:n]))
		records = records[n:]
	}
}

// verify checks the signatures of records in one batch, but for those that the
// pool holds: they were checked when they came.
func (e *Engine) verify(records []*types.Record) ([]types.VerifiedRecord, []error) {
	ids := make([]types.Hash, len(records))
	for i, r := range records {
		ids[i] = r.ID()
	}
	verified, missing := e.pool.Collect(ids)
	errs := make([]error, len(records))
	if len(missing) == 0 {
		return verified, errs
	}
	unchecked, places := make([]*types.Record, 0, len(missing)), make([]int, 0, len(missing))
	for i, r := range records {
		if verified[i].Record() == nil {
			unchecked, places = append(unchecked, r), append(places, i)
		}
	}
	checked, bad := e.verifier.Verify(unchecked)
	for k, i := range places {
		verified[i], errs[i] = checked[k], bad[k]
	}
	return verified, errs
}

// verifyWide is verify with all processors, for records by the thousand that a
// node far behind waits for.
func (e *Engine) verifyWide(records []*types.Record) ([]types.VerifiedRecord, []error) {
	verified, errs := make([]types.VerifiedRecord, 0, len(records)), make([]error, 0, len(records))
	type share struct {
		verified []types.VerifiedRecord
		errs     []error
	}
	shares := make([]share, (len(records)+maxBatch-1)/maxBatch)
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(len(shares), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(shares); i = int(next.Add(1)) - 1 {
				shares[i].verified, shares[i].errs = e.verify(records[i*maxBatch : min(len(records), (i+1)*maxBatch)])
			}
		})
	}
	wg.Wait()
	for _, s := range shares {
		verified, errs = append(verified, s.verified...), append(errs, s.errs...)
	}
	return verified, errs
}
