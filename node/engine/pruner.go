package engine

import (
	"context"
	"errors"
	"time"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// prunedAtOnce is how many blocks are let go of before the pruner rests as long
// as that took: a node that is told to keep less has others' work to do meanwhile.
const prunedAtOnce = 16

// pruner lets go of old blocks beside the main loop.
type pruner struct {
	wake chan struct{} // holds one: there may be more to let go of
}

func newPruner() *pruner { return &pruner{wake: make(chan struct{}, 1)} }

// committed tells that there are more heights.
func (p *pruner) committed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// prune lets go of old blocks until the engine stops.
func (e *Engine) prune(ctx context.Context) {
	for {
		began := time.Now()
		more, err := e.pruneSome(prunedAtOnce)
		if err != nil {
			e.die(err)
			return
		}
		var rest <-chan time.Time
		if more {
			rest = time.After(time.Since(began))
		}
		select {
		case <-ctx.Done():
			return
		case <-rest:
		case <-e.pruner.wake:
		}
	}
}

// pruneSome lets go of the oldest blocks, as many at most, and reports whether
// there are more.
func (e *Engine) pruneSome(most int) (more bool, err error) {
	store := e.options.Data.Store
	for range most {
		height := store.Oldest()
		if height >= e.unneeded() {
			return false, nil
		}
		raw, _, err := store.Block(height)
		if errors.Is(err, storage.ErrNotFound) {
			return store.Oldest() != height, nil // a snapshot has taken its place
		}
		if err != nil {
			return false, err
		}
		block, err := types.DecodeBlock(raw)
		if err != nil {
			return false, err
		}
		err = store.Prune(storage.Pruned{Height: height, Records: block.IDs(), Aux: []storage.Change{{Key: heights.InfoKey(height)}}})
		if err != nil && !errors.Is(err, storage.ErrNotOldest) {
			return false, err
		}
	}
	return true, nil
}

// unneeded is the height below which blocks are let go of: those that this node
// is not to keep, that were audited, and that a peer does not need who goes on
// from the older of the snapshots here.
func (e *Engine) unneeded() uint64 {
	keep, head := e.options.Config.Storage.KeepBlocks, e.options.Data.Store.Head()
	if keep == 0 || head <= keep {
		return 0
	}
	return min(head-keep+1, e.audit.reached(), e.keeper.oldest.Load())
}
