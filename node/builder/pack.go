package builder

import (
	"errors"
	"iter"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

// Limits are how much may go into one block.
type Limits struct {
	Records int // 0 to types.MaxBlockRecords
	Bytes   int // of the records' canonical encodings, 0 to types.MaxBlockBytes
}

// Dropped is a record that has no place in any block, and why.
type Dropped struct {
	Record types.VerifiedRecord
	Err    error // a *ledger.Refusal
}

// Packing is what went into a block and what must leave the pool. A record that
// was given and is in neither waits on.
type Packing struct {
	Packed  []types.VerifiedRecord // in the order of the block
	Bytes   int                    // their size
	Dropped []Dropped
}

// Pack applies records to a trial in the order given, which is that of arrival,
// until one goes over the limits. A record whose nonce comes too early is kept
// aside and follows at once when the one before it is in; if that does not
// happen it waits on. Whatever the trial refuses is dropped. The trial then holds
// what Packed says, and wants but Finish.
//
// The block of a guest needs room for its reading: leave one record and
// types.MaxRecordBytes of the limits, and apply it after Pack with the nonce that
// Trial.Guest gives then.
//
// The error is that of a trial which cannot be used; nothing is dropped then.
func Pack(trial *ledger.Trial, records iter.Seq[types.VerifiedRecord], limits Limits) (Packing, error) {
	p := packer{trial: trial, limits: limits}
	for rec := range records {
		if !p.pack(rec) {
			break
		}
	}
	if p.err != nil {
		return Packing{}, p.err
	}
	return p.Packing, nil
}

// turn is a place in the records of one signer.
type turn struct {
	signer types.PublicKey
	nonce  uint64
}

type packer struct {
	Packing
	trial  *ledger.Trial
	limits Limits
	aside  map[turn]types.VerifiedRecord
	err    error
}

// pack puts a record in, with those that waited for it, and reports whether to
// go on.
func (p *packer) pack(rec types.VerifiedRecord) bool {
	for next, more := rec, true; more; next, more = p.follower(next) {
		r := next.Record()
		if len(p.Packed) >= p.limits.Records || p.Bytes+len(r.Raw()) > p.limits.Bytes {
			return false
		}
		if err := p.trial.Apply(next); err != nil {
			return p.refused(next, err)
		}
		p.Packed = append(p.Packed, next)
		p.Bytes += len(r.Raw())
	}
	return true
}

// follower returns the record that waited for rec.
func (p *packer) follower(rec types.VerifiedRecord) (types.VerifiedRecord, bool) {
	if len(p.aside) == 0 {
		return types.VerifiedRecord{}, false
	}
	key, signed := rec.Record().Signer(p.trial.Authority())
	if !signed {
		return types.VerifiedRecord{}, false
	}
	at := turn{key, rec.Record().Nonce + 1}
	next, ok := p.aside[at]
	delete(p.aside, at)
	return next, ok
}

// refused keeps a record aside or drops it, and reports whether to go on.
func (p *packer) refused(rec types.VerifiedRecord, err error) bool {
	var gap *ledger.Gap
	var refusal *ledger.Refusal
	switch {
	case errors.As(err, &gap):
		p.keep(rec, turn{gap.Signer, gap.Nonce})
	case errors.As(err, &refusal):
		p.Dropped = append(p.Dropped, Dropped{Record: rec, Err: err})
	default:
		p.err = err
		return false
	}
	return true
}

// keep sets a record aside. Of two with the same nonce only one can ever be in a
// block: the one that came first stays.
func (p *packer) keep(rec types.VerifiedRecord, at turn) {
	if p.aside == nil {
		p.aside = map[turn]types.VerifiedRecord{}
	}
	if _, taken := p.aside[at]; !taken {
		p.aside[at] = rec
	}
}
