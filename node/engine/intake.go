package engine

import (
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
}

func newIntake(e *Engine) *intake { return &intake{engine: e, queue: make(chan frame, intakeQueue)} }

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
	verified, errs := in.engine.verifier.Verify(all)
	var news []*types.Record
	for _, f := range frames {
		n := len(f.records)
		news = append(news, f.done(verified[:n:n], errs[:n:n])...)
		verified, errs = verified[n:], errs[n:]
	}
	for len(news) > 0 {
		n := min(len(news), maxGossipRecords)
		in.engine.options.Links.Broadcast(p2p.KindRecords, types.EncodeRecords(news[:n]))
		news = news[n:]
	}
}

// submit queues a frame from a client; it fails at once where the queue is full.
func (in *intake) submit(f frame) error {
	select {
	case in.queue <- f:
		return nil
	default:
		return errBusy
	}
}

// wait queues a frame from a peer, however long that takes.
func (in *intake) wait(f frame) {
	select {
	case in.queue <- f:
	case <-in.engine.stop:
	case <-in.engine.dead:
	}
}
