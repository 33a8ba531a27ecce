package types

import (
	"errors"
	"fmt"
)

// Verified marks a message whose signature was checked. Only VerifyMessage and
// Vouch make one.
type Verified[T any] struct{ message T }

// Value returns the message.
func (v Verified[T]) Value() T { return v.message }

// Vouch marks a message as verified without checking it: for a validator's own
// messages, for what it reads back from its own disk, and for simulations.
func Vouch[T any](message T) Verified[T] { return Verified[T]{message} }

// ErrBadSignature means that a signature is not the named key's.
var ErrBadSignature = errors.New("the signature is not that of the key it names")

type signedMessage interface {
	SignBytes(network Hash) []byte
}

// VerifyMessage checks a message's signature by ZIP-215 and that its signer is
// in the set. The error is ErrBadSignature or says who is no validator.
func VerifyMessage[T signedMessage](message T, signer PublicKey, sig Signature, network Hash, set *ValidatorSet) (Verified[T], error) {
	if _, ok := set.Find(signer); !ok {
		return Verified[T]{}, fmt.Errorf("%s is no validator of this height", signer.Short())
	}
	if !VerifySignature(signer, message.SignBytes(network), sig) {
		return Verified[T]{}, ErrBadSignature
	}
	return Verified[T]{message}, nil
}

// VerifiedRecord is a record whose signature was checked, or that needs none.
// Only RecordVerifier and VouchRecord make one. The zero value holds nothing.
type VerifiedRecord struct{ record *Record }

// Record returns the record.
func (v VerifiedRecord) Record() *Record { return v.record }

// VouchRecord marks a record as verified without checking it: for what a node
// reads back from its own disk, and for simulations.
func VouchRecord(r *Record) VerifiedRecord { return VerifiedRecord{r} }

// RecordVerifier checks the signatures of records of one network.
type RecordVerifier struct {
	Network   Hash
	Authority PublicKey // whose signature stake records need
}

// Verify checks records in one batch. Each result is a verified record or the
// error of that record, a *FieldError for its signature.
func (v RecordVerifier) Verify(records []*Record) ([]VerifiedRecord, []error) {
	out := make([]VerifiedRecord, len(records))
	errs := make([]error, len(records))
	var batch SignatureBatch
	var places []int
	for i, r := range records {
		key, signed := r.Signer(v.Authority)
		if !signed {
			out[i] = VerifiedRecord{r}
			continue
		}
		batch.Add(key, r.SignBytes(v.Network), r.Signature)
		places = append(places, i)
	}
	for k, ok := range batch.Verify() {
		i := places[k]
		if ok {
			out[i] = VerifiedRecord{records[i]}
			continue
		}
		key, _ := records[i].Signer(v.Authority)
		errs[i] = fieldError("signature", "is not that of key %s over this record for this network", key.Short())
	}
	return out, errs
}
