package pool

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

// Add puts a record that State.Admit let through at the end. Of two records with
// one signer and one nonce the first stays and the second is refused, save that
// what a guest says last counts: an entry takes the place of an older entry with
// the same nonce, and a leave takes that of an entry.
//
// The errors are ErrDuplicate, ErrFull, ErrSignerFull, or a *ledger.Refusal.
// arrival is this node's own time; if its clock steps back, the record counts as
// having arrived with the one before it.
func (p *Pool) Add(rec types.VerifiedRecord, arrival types.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.add(rec, arrival); err != nil {
		return err
	}
	p.notify()
	return nil
}

// PlaceError is what is wrong with one of several records.
type PlaceError struct {
	Index int   // its place among them, from 0
	Err   error // as Add gives it
}

// Error implements error.
func (e *PlaceError) Error() string { return fmt.Sprintf("record %d: %v", e.Index, e.Err) }

// Unwrap returns the error of the record.
func (e *PlaceError) Unwrap() error { return e.Err }

// AddAll puts in all of the records, or none if one fails; the error is then a
// *PlaceError. Records that wait already are no error. It returns those that
// are new.
func (p *Pool) AddAll(records []types.VerifiedRecord, arrival types.Time) ([]types.VerifiedRecord, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := make([]types.VerifiedRecord, 0, len(records))
	var done []undo
	for i, rec := range records {
		u, err := p.add(rec, arrival)
		if errors.Is(err, ErrDuplicate) {
			continue
		}
		if err != nil {
			p.revert(done)
			return nil, &PlaceError{Index: i, Err: err}
		}
		done = append(done, u)
		fresh = append(fresh, rec)
	}
	if len(fresh) > 0 {
		p.notify()
	}
	return fresh, nil
}

// undo is what one add changed: a new item, or the record that an item held.
type undo struct {
	item *item
	was  types.VerifiedRecord
}

func (p *Pool) revert(done []undo) {
	for i := len(done) - 1; i >= 0; i-- {
		if was := done[i].was; was.Record() != nil {
			p.swap(done[i].item, was)
			continue
		}
		p.unlink(done[i].item)
	}
}

func (p *Pool) add(rec types.VerifiedRecord, arrival types.Time) (undo, error) {
	r := rec.Record()
	if _, twice := p.byID[r.ID()]; twice {
		return undo{}, ErrDuplicate
	}
	it := &item{record: rec, arrival: arrival}
	if key, signed := r.Signer(p.authority); signed {
		it.turn, it.signed = turn{key, r.Nonce}, true
		if old := p.byTurn[it.turn]; old != nil {
			return p.replace(old, rec)
		}
	}
	switch {
	case len(p.byID) >= MaxRecords || p.bytes+len(r.Raw()) > MaxBytes:
		return undo{}, ErrFull
	case it.signed && p.signers[it.turn.key].count >= MaxPerSigner:
		return undo{}, ErrSignerFull
	}
	p.link(it)
	return undo{item: it}, nil
}

// replace settles which of two records with one signer and nonce stays. The
// answer is the same in whatever order they come, so that pools agree.
func (p *Pool) replace(old *item, rec types.VerifiedRecord) (undo, error) {
	was, r := old.record, rec.Record()
	newer := r.Type == types.Leave || r.Type == types.Entry && r.Time > was.Record().Time
	if was.Record().Type != types.Entry || !newer {
		return undo{}, &ledger.Refusal{Field: "nonce", Reason: fmt.Sprintf("is %d: another record of this signer waits with it, %s", r.Nonce, was.Record().ID())}
	}
	p.swap(old, rec)
	return undo{item: old, was: was}, nil
}

// swap gives an item another record, in the same place and with the same arrival.
func (p *Pool) swap(it *item, rec types.VerifiedRecord) {
	delete(p.byID, it.record.Record().ID())
	p.bytes += len(rec.Record().Raw()) - len(it.record.Record().Raw())
	it.record = rec
	p.byID[rec.Record().ID()] = it
}

func (p *Pool) link(it *item) {
	p.byID[it.record.Record().ID()] = it
	p.bytes += len(it.record.Record().Raw())
	p.guests += guest(it.record.Record())
	if it.signed {
		p.byTurn[it.turn] = it
		s, known := p.signers[it.turn.key]
		if s.count++; !known || it.turn.nonce < s.low {
			s.low = it.turn.nonce
		}
		p.signers[it.turn.key] = s
	}
	if p.tail == nil {
		p.head, p.tail = it, it
		return
	}
	it.arrival = max(it.arrival, p.tail.arrival)
	it.prev, p.tail.next = p.tail, it
	p.tail = it
}

// guest counts a record of a guest's coming or going as one. What takes the
// place of such a record is another, so that swap leaves the number alone.
func guest(r *types.Record) int {
	if r.Type == types.Entry || r.Type == types.Leave {
		return 1
	}
	return 0
}

func (p *Pool) unlink(it *item) {
	delete(p.byID, it.record.Record().ID())
	p.bytes -= len(it.record.Record().Raw())
	p.guests -= guest(it.record.Record())
	if it.signed {
		delete(p.byTurn, it.turn)
		s := p.signers[it.turn.key]
		if s.count--; s.count == 0 {
			delete(p.signers, it.turn.key)
		} else {
			p.signers[it.turn.key] = s
		}
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		p.head = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		p.tail = it.prev
	}
	it.prev, it.gone = nil, true
}
