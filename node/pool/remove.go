package pool

import (
	"iter"

	"github.com/posnet/posnet/node/types"
)

// Remove takes records out. It returns how many of them waited, and when they
// arrived, on average; 0 if none did.
func (p *Pool) Remove(ids []types.Hash) (n int, arrival types.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first, later types.Time // the sum of times themselves would overflow
	for _, id := range ids {
		it, ok := p.byID[id]
		if !ok {
			continue
		}
		if n == 0 {
			first = it.arrival
		}
		later += it.arrival - first
		p.unlink(it)
		n++
	}
	if n == 0 {
		return 0, 0
	}
	p.notify()
	return n, first + later/types.Time(n)
}

// PurgeStale takes out the records of a signer whose nonce is used: those below
// next, that of its account. It returns their ids. Over time it costs no more
// than the nonces that were used.
func (p *Pool) PurgeStale(key types.PublicKey, next uint64) []types.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, waits := p.signers[key]
	if !waits || s.low >= next {
		return nil
	}
	var gone []types.Hash
	for nonce := s.low; nonce < next; nonce++ {
		if it := p.byTurn[turn{key, nonce}]; it != nil {
			gone = append(gone, it.record.Record().ID())
			p.unlink(it)
		}
	}
	if s, waits = p.signers[key]; waits {
		s.low = next
		p.signers[key] = s
	}
	if len(gone) > 0 {
		p.notify()
	}
	return gone
}

// Expire takes out the records that arrived before a time and still wait for
// lower nonces of their signer that are not here; next gives the nonce a
// signer's account is at. It returns their ids, the oldest first. Other records
// may wait for their block as long as the builder rule wants.
func (p *Pool) Expire(before types.Time, next func(types.PublicKey) uint64) []types.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	var gone []types.Hash
	ends := map[types.PublicKey]uint64{}
	for it := p.head; it != nil && it.arrival < before; it = it.next {
		if !it.signed {
			continue
		}
		end, known := ends[it.turn.key]
		if !known {
			end = p.endOfRun(it.turn.key, next(it.turn.key))
			ends[it.turn.key] = end
		}
		if it.turn.nonce > end {
			gone = append(gone, it.record.Record().ID())
			p.unlink(it)
		}
	}
	if len(gone) > 0 {
		p.notify()
	}
	return gone
}

// OlderThan is how many records arrived before a moment. It costs time in proportion.
func (p *Pool) OlderThan(moment types.Time) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for it := p.head; it != nil && it.arrival < moment; it = it.next {
		n++
	}
	return n
}

// All yields the records in the order of their arrival. The pool is locked only
// for moments in between, so it may change meanwhile: what is taken out before
// its turn is not seen, and what comes in may not be.
func (p *Pool) All() iter.Seq[types.VerifiedRecord] {
	const batch = 256 // a few microseconds under the lock
	return func(yield func(types.VerifiedRecord) bool) {
		var at *item
		records := make([]types.VerifiedRecord, 0, batch)
		for {
			records, at = p.after(at, records[:0])
			if len(records) == 0 {
				return
			}
			for _, rec := range records {
				if !yield(rec) {
					return
				}
			}
		}
	}
}

// after appends to records, up to its capacity, what follows an item; nil stands
// before the first.
func (p *Pool) after(at *item, records []types.VerifiedRecord) ([]types.VerifiedRecord, *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.head
	if at != nil {
		next = at.next
	}
	for ; next != nil && len(records) < cap(records); next = next.next {
		if at = next; !next.gone {
			records = append(records, next.record)
		}
	}
	return records, at
}
