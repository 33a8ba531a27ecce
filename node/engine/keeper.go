package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

const (
	// snapshotEvery is how many heights are between snapshots: but for the first
	// after a start all nodes have them at the same heights, so that whoever loses a
	// peer goes on with the next. A node that starts from one has so many blocks to
	// fetch beside.
	snapshotEvery = 1000
	// snapshotPause is how long a snapshot is the newest at least, however fast
	// the chain is, and so how long the one before it is served still: time enough
	// to fetch some hundred megabytes.
	snapshotPause = time.Minute
	// maxSnapshots is how many there are: the newest, and the one before it, which
	// somebody may be fetching.
	maxSnapshots = 2
	// maxAsked bounds the questions that wait: one of each peer, so that none that
	// asks without end keeps the others from an answer.
	maxAsked = types.MaxValidators
)

// keeper takes snapshots of the state and serves them to peers. A snapshot is a
// view of the store and costs nothing until somebody asks for it. The main loop
// takes them; all else is done by a goroutine of the keeper's own, one question
// after another.
type keeper struct {
	history history
	links   Links
	log     *slog.Logger
	every   uint64

	newest atomic.Uint64 // height of the newest snapshot that is served; 0 for none
	oldest atomic.Uint64 // height of the oldest; 0 for none

	floor atomic.Uint64 // older ones are let go of: this node has itself gone on from a snapshot
	sunk  chan struct{} // holds one: floor has risen
	ready chan *kept
	asks  chan asked
	mu    sync.Mutex
	waits map[types.PublicKey]bool // whose question is in asks
	list  []*kept                  // the oldest first
	serve serving

	last time.Time // when the newest was taken; of the main loop
}

// kept is one snapshot.
type kept struct {
	height uint64
	view   storage.View
	cut    *ledger.Cut // nil until somebody has asked
}

type asked struct {
	by   types.PublicKey
	what snapshotWanted
}

func newKeeper(h history, links Links, log *slog.Logger) *keeper {
	return &keeper{
		history: h, links: links, log: log, every: snapshotEvery,
		ready: make(chan *kept, maxSnapshots), sunk: make(chan struct{}, 1), asks: make(chan asked, maxAsked), waits: map[types.PublicKey]bool{},
		serve: newServing(),
	}
}

// due reports whether a snapshot is to be taken of a height.
func (k *keeper) due(height uint64) bool { return height > 0 && height%k.every == 0 }

// take takes a snapshot of the state on disk, whose height is told (0 for none), if
// one is due; and the first as soon as there is one: those of before a start are
// gone, and nobody may be there to make the next height. It is of the main loop.
func (k *keeper) take(height uint64) error {
	if height == 0 || !k.last.IsZero() && (!k.due(height) || time.Since(k.last) < snapshotPause) {
		return nil
	}
	view, err := k.history.store.View()
	if err != nil {
		return err
	}
	select {
	case k.ready <- &kept{height: height, view: view}:
		k.last = time.Now()
	default: // the keeper is busy: there will be another
		return view.Close()
	}
	return nil
}

// wants takes a peer's question, if none of that peer waits already. It does not
// wait: an honest peer asks one thing after another, and again in the end.
func (k *keeper) wants(from types.PublicKey, payload []byte) error {
	what, body, err := decodeSnapshot(payload)
	if err == nil && len(body) > 0 {
		err = fmt.Errorf("%d bytes are left over after the end", len(body))
	}
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.waits[from] {
		return nil
	}
	select {
	case k.asks <- asked{from, what}:
		k.waits[from] = true
	default:
	}
	return nil
}

// taken notes that a question waits no more.
func (k *keeper) taken(a asked) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.waits, a.by)
}

// run serves until the context ends. It rests as long as it has worked, so that
// peers who ask without end do not get more than half a core.
func (k *keeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case s := <-k.ready:
			k.add(s)
		case <-k.sunk:
			k.dropOld()
		case a := <-k.asks:
			began := time.Now()
			k.taken(a)
			k.answer(a)
			select {
			case <-ctx.Done():
			case <-time.After(time.Since(began)):
			}
		}
	}
}

// restart lets go of snapshots that are older than the chain is now: they hold on
// to a state that is gone, and nobody can be told what binds them. It is of the
// main loop.
func (k *keeper) restart(head uint64) {
	k.last = time.Time{}
	k.floor.Store(head)
	select {
	case k.sunk <- struct{}{}:
	default:
	}
}

// dropOld lets go of the snapshots below the floor.
func (k *keeper) dropOld() {
	k.list = slices.DeleteFunc(k.list, func(s *kept) bool {
		old := s.height < k.floor.Load()
		if old {
			k.drop(s)
		}
		return old
	})
	k.tell()
}

// tell tells others which snapshots there are.
func (k *keeper) tell() {
	oldest, newest := uint64(0), uint64(0)
	if n := len(k.list); n > 0 {
		oldest, newest = k.list[0].height, k.list[n-1].height
	}
	k.oldest.Store(oldest)
	k.newest.Store(newest)
}

// close lets go of all snapshots, once run has ended and the main loop has.
func (k *keeper) close() {
	close(k.ready)
	for s := range k.ready {
		k.list = append(k.list, s)
	}
	for _, s := range k.list {
		k.drop(s)
	}
}

func (k *keeper) drop(s *kept) {
	k.serve.drop(s)
	if err := s.view.Close(); err != nil {
		k.log.Warn("a snapshot of the state cannot be closed", "height", s.height, "error", err)
	}
}

func (k *keeper) add(s *kept) {
	if len(k.list) == maxSnapshots {
		k.drop(k.list[0])
		k.list = append(k.list[:0], k.list[1:]...)
	}
	k.list = append(k.list, s)
	k.dropOld()
	k.log.Debug("a snapshot of the state is there for peers", "height", s.height)
}

// answer sends a peer what it has asked for, or nothing as its body.
func (k *keeper) answer(a asked) {
	body, err := k.body(a)
	if err != nil {
		k.log.Warn("a peer's question for a snapshot cannot be answered", "peer", a.by.Short(), "error", err)
		body = nil
	}
	k.links.Send(a.by, p2p.KindSnapshotFound, a.what.encode(body))
	k.serve.answered(a.by)
}

func (k *keeper) body(a asked) ([]byte, error) {
	switch a.what.Piece {
	case pieceOffer:
		return k.offer(a.by)
	case pieceHandovers:
		return k.handovers(a.what.At, a.what.Index)
	case piecePart:
		return k.part(a.by, a.what.At, a.what.Index)
	}
	return nil, nil
}

// offer tells of the newest snapshot, if the peer can be served.
func (k *keeper) offer(to types.PublicKey) ([]byte, error) {
	if len(k.list) == 0 || k.serve.admit(to) == nil {
		return nil, nil
	}
	s := k.list[len(k.list)-1]
	if s.height+1 < k.history.store.Oldest() {
		return nil, nil // this node has itself gone on from a newer one
	}
	header, err := k.history.header(s.height)
	if err != nil {
		return nil, err
	}
	next, certificate, err := readBlock(k.history.store, s.height+1)
	if err != nil {
		return nil, err
	}
	if s.cut == nil {
		if s.cut, err = ledger.NewCut(s.view.State); err != nil {
			return nil, err
		}
	}
	k.log.Info("a peer is offered a snapshot of the state", "peer", to.Short(), "height", s.height, "bytes", s.cut.Bytes, "parts", s.cut.Parts())
	return encodeOffer(header, &next.Header, certificate.Encode(), s.cut.Outline), nil
}

// handovers returns those of the heights from one to another.
func (k *keeper) handovers(from, to uint64) ([]byte, error) {
	list, err := k.history.handovers(from, maxHandoverPage)
	if err != nil {
		return nil, err
	}
	for len(list) > 0 && list[len(list)-1].Header.Height > to {
		list = list[:len(list)-1]
	}
	return encodeHandovers(list), nil
}

// maxHandoverPage is how many handovers are read for an answer: of a hundred
// validators each takes 28 kB, and more of them do not fit.
const maxHandoverPage = 64

// part returns a part of a snapshot, if it is still here and the peer can be served.
func (k *keeper) part(to types.PublicKey, height, index uint64) ([]byte, error) {
	for _, s := range k.list {
		if s.height == height && s.cut != nil && index < uint64(s.cut.Parts()) {
			return k.serve.part(to, s, int(index))
		}
	}
	return nil, nil
}
