package ledger

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Refusal says why a record cannot be in the block tried, nor in a later one
// unless something else changes first.
type Refusal struct {
	Field  string // the field at fault, as it is called in JSON
	Reason string // continues the sentence that begins with the field
	// Forbidden tells what this network's rules never allow (403 in the API)
	// from what the present state does not allow.
	Forbidden bool
}

// Error implements error: "amount is 500: the sender has 20".
func (r *Refusal) Error() string { return r.Field + " " + r.Reason }

func refuse(field, format string, args ...any) error {
	return &Refusal{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func forbid(field, format string, args ...any) error {
	return &Refusal{Field: field, Reason: fmt.Sprintf(format, args...), Forbidden: true}
}

// ErrLater is what a record is refused with, for now, while records of its
// signer with lower nonces are missing. The error itself is a *Gap.
var ErrLater = errors.New("the record has to wait for others of its signer")

// Gap is an ErrLater with its numbers.
type Gap struct {
	Signer      types.PublicKey
	Nonce, Next uint64 // the record's nonce, and the one that the signer is at
}

// Error implements error.
func (g *Gap) Error() string {
	return fmt.Sprintf("nonce is %d: the next of %s is %d, and the record has to wait until those between have come", g.Nonce, g.Signer.Short(), g.Next)
}

// Is makes errors.Is(err, ErrLater) true.
func (g *Gap) Is(target error) bool { return target == ErrLater }
