package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// stamper gives open records the time of their arrival, and guests' records that
// of their making: never the same twice, so that two equal records of one sender
// have two ids.
type stamper struct {
	mu   sync.Mutex
	last types.Time
}

func (s *stamper) next() types.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, types.TimeOf(time.Now()))
	return s.last
}

// Merge takes records from a client into the pool, all or none, and tells the
// peers of them. It returns once their signatures were checked, or with Submit's
// error.
func (e *Engine) Merge(ctx context.Context, records []*types.Record) error {
	fate, err := e.Submit(records)
	if err != nil || fate == nil {
		return err
	}
	select {
	case err := <-fate:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ctx.Done():
		return errStopping
	}
}

// Submit puts records from a client into the intake, and returns where their fate
// will be told; nil if there is nothing to do about them. The error, at once or as
// their fate, is a *rpc.RecordError for the first record that is refused, or says that
// the node is not caught up, has too much to do, or stops.
func (e *Engine) Submit(records []*types.Record) (<-chan error, error) {
	for _, r := range records {
		if r.ID().IsZero() {
			r.Time = e.stamp.next()
			r.Seal()
		}
	}
	if err := e.readiness.lag(); err != nil {
		return nil, err
	}
	fresh, places, err := e.admit(records)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	fate := make(chan error, 1)
	return fate, e.intake.submit(queued{
		records: fresh,
		done: func(verified []types.VerifiedRecord, errs []error) []*types.Record {
			news, err := e.takeAll(verified, errs, places)
			fate <- err
			return news
		},
		refuse: func(why error) { fate <- why },
	})
}

// errEntry refuses entries from clients: a guest whose host does not know it
// would be drawn and could never win.
var errEntry = &types.FieldError{Field: "type", Reason: "is entry: guests enter through the line console of their host, which keeps their session"}

// admit refuses what the state already rules out, before anybody spends time
// on signatures. It returns the records without those that are in the pool or in
// a block already: who sends one again, not knowing that it arrived, is not told
// off for it. places are where the rest stood.
func (e *Engine) admit(records []*types.Record) (fresh []*types.Record, places []int, err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for i, r := range records {
		if e.pool.Has(r.ID()) {
			continue
		}
		if r.Type == types.Entry {
			return nil, nil, &rpc.RecordError{Index: i, Status: message.StatusForbidden, Err: errEntry}
		}
		if err := e.chain.state.Admit(r); err != nil {
			if _, _, there, lost := e.options.Data.Store.Place(r.ID()); lost == nil && there {
				continue
			}
			return nil, nil, refusal(i, err)
		}
		fresh, places = append(fresh, r), append(places, i)
	}
	return fresh, places, nil
}

// takeAll puts records into the pool, all or none, and returns those that are new.
func (e *Engine) takeAll(verified []types.VerifiedRecord, errs []error, places []int) ([]*types.Record, error) {
	for i, err := range errs {
		if err != nil {
			return nil, &rpc.RecordError{Index: places[i], Err: err}
		}
	}
	fresh, err := e.pool.AddAll(verified, types.TimeOf(time.Now()))
	if err != nil {
		var place *pool.PlaceError
		if errors.As(err, &place) {
			return nil, refusal(places[place.Index], place.Err)
		}
		return nil, err
	}
	news := make([]*types.Record, len(fresh))
	for i, r := range fresh {
		news[i] = r.Record()
	}
	return news, nil
}

// refusal turns why a record is refused into what a client reads.
func refusal(index int, err error) error {
	var r *ledger.Refusal
	if errors.As(err, &r) {
		out := &rpc.RecordError{Index: index, Err: &types.FieldError{Field: r.Field, Reason: r.Reason}}
		if r.Forbidden {
			out.Status = message.StatusForbidden
		}
		return out
	}
	if errors.Is(err, pool.ErrFull) || errors.Is(err, pool.ErrSignerFull) {
		return &rpc.RecordError{Index: index, Status: message.StatusTooFast, Err: err}
	}
	return &rpc.RecordError{Index: index, Err: err}
}

// expire drops records that waited too long for others of their signer.
func (e *Engine) expire() {
	before := types.TimeOf(time.Now().Add(-pool.GapPatience))
	for _, id := range e.pool.Expire(before, func(key types.PublicKey) uint64 { return e.chain.state.Account(types.KeyedAccount(key)).Nonce }) {
		e.fates.Drop(id, fmt.Sprintf("records of its signer with lower nonces did not come within %v", pool.GapPatience))
		e.metrics.dropped.Inc()
	}
}

// hear takes records that a peer tells of: those that are new and admissible
// go into the pool, one by one, and nobody is told of the rest. frame is the
// size of what they came in.
func (e *Engine) hear(from types.PublicKey, records []*types.Record, frame int) {
	fresh := detached(e.admissible(records), frame)
	if len(fresh) == 0 {
		return
	}
	e.intake.wait(queued{records: fresh, done: func(verified []types.VerifiedRecord, errs []error) []*types.Record {
		now := types.TimeOf(time.Now())
		for i, r := range verified {
			if errs[i] != nil {
				e.peers.mute(from)
				e.metrics.rejected.Inc()
				e.warn("a peer tells of a record with a wrong signature: its gossip is not heard for a while", from.Short(), "id", fresh[i].ID(), "for", muteTime)
				continue
			}
			_ = e.pool.Add(r, now) // full or there already: the proposer's peers ask for what they lack
		}
		return nil
	}})
}

// admissible returns the records that are new and not ruled out by the state.
func (e *Engine) admissible(records []*types.Record) []*types.Record {
	fresh := records[:0:0]
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, r := range records {
		if !e.pool.Has(r.ID()) && e.chain.state.Admit(r) == nil {
			fresh = append(fresh, r)
		}
	}
	return fresh
}
