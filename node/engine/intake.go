package engine

import (
	"sync"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

const (
	// intakeQueue is how many frames of records may wait for their signatures to
	// be checked; a client beyond that is told to come again, a peer waits.
	intakeQueue = 4_096
	// maxBatch is how many signatures are checked at once: more saves little
	// and makes the first of them wait.
	maxBatch = 512
)

var (
	errStopping = message.Errorf(message.StatusNotReady, "the node is stopping: try another node")
	errBusy     = message.Errorf(message.StatusTooFast, "more records are waiting than this node can check: send more slowly, or through another node")
)

// frame is records that came together and wait for their signatures to be
// checked. done gets, for each record, the verified one or an error, and
// returns the records that peers are to hear of.
type frame struct {
	records []*types.Record
	done    func([]types.VerifiedRecord, []error) []*types.Record
}

// intake checks signatures of records in batches: whatever has come while one
// batch was checked makes up the next, so that batches grow with the load and
// nobody waits without it.
type intake struct {
	engine *Engine
	queue  chan frame

	mu      sync.Mutex
	pending map[types.Hash]int // how often a record is in the queue
}

func newIntake(e *Engine) *intake {
	return &intake{engine: e, queue: make(chan frame, intakeQueue), pending: map[types.Hash]int{}}
}

// holds reports whether a record is on its way through the intake: nobody has
// to be asked for it.
func (in *intake) holds(id types.Hash) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.pending[id] > 0
}

func (in *intake) note(records []*types.Record, by int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range records {
		if in.pending[r.ID()] += by; in.pending[r.ID()] == 0 {
			delete(in.pending, r.ID())
		}
	}
}

func (in *intake) run() {
	for {
		select {
		case <-in.engine.stop:
			return
		case first := <-in.queue:
			in.check(in.more(first))
		}
	}
}

// more returns first and what waits behind it, up to a batch.
func (in *intake) more(first frame) []frame {
	frames, count := []frame{first}, len(first.records)
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

func (in *intake) check(frames []frame) {
	var all []*types.Record
	for _, f := range frames {
		all = append(all, f.records...)
	}
	verified, errs := in.engine.verify(all)
	in.note(all, -1)
	var news []*types.Record
	for _, f := range frames {
		n := len(f.records)
		news = append(news, f.done(verified[:n:n], errs[:n:n])...)
		verified, errs = verified[n:], errs[n:]
	}
	in.engine.recordsCame()
	for len(news) > 0 {
		n := min(len(news), maxGossipRecords)
		in.engine.options.Links.Broadcast(p2p.KindRecords, types.EncodeRecords(news[:n]))
		news = news[n:]
	}
}

// submit queues a frame from a client; it fails at once where the queue is full.
func (in *intake) submit(f frame) error {
	in.note(f.records, 1)
	select {
	case in.queue <- f:
		return nil
	default:
		in.note(f.records, -1)
		return errBusy
	}
}

// wait queues a frame from a peer, however long that takes.
func (in *intake) wait(f frame) {
	in.note(f.records, 1)
	select {
	case in.queue <- f:
	case <-in.engine.stop:
	case <-in.engine.dead:
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
