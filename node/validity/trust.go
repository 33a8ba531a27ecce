package validity

import (
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Trust follows the validators of a network from a set that is trusted, such as
// that of its genesis, by the blocks at which they handed over to others. Of the
// rest of the chain it needs nothing.
//
// That is sound while of no validator set a third or more ever misbehaves, not
// even after it has left: an honest validator precommits no block before it has
// checked all of it, and so none that names other validators than the chain has.
type Trust struct {
	network types.Hash
	set     *types.ValidatorSet
	next    uint64
}

// NewTrust returns the trust in the validators of a height.
func NewTrust(network types.Hash, set *types.ValidatorSet, height uint64) *Trust {
	return &Trust{network: network, set: set, next: height}
}

// Next is the height from which on handovers are still to be taken.
func (t *Trust) Next() uint64 { return t.next }

// Check checks that a header is one of the network, certified by the validators
// that were trusted last, and not below them. An error is a *Fault.
func (t *Trust) Check(h *types.Header, c *types.Certificate) error {
	if err := CheckNetwork(h, t.network); err != nil {
		return err
	}
	switch {
	case h.Height < t.next:
		return differ(h.Height, "header.height", "it is below that of the validators who are trusted", fmt.Sprintf("at least %d", t.next), h.Height)
	case h.Validators != t.set.Hash():
		return differ(h.Height, "header.validators", "nothing that is trusted leads to these validators: a handover is missing, or it is another chain's", t.set.Hash(), h.Validators)
	}
	return CheckCertificate(t.network, h.Height, h.Hash(), t.set, c)
}

// Take trusts the set that a certified header hands over to. Handovers come in
// order. After an error, which is a *Fault, all is as before.
func (t *Trust) Take(h *types.Header, c *types.Certificate, set *types.ValidatorSet) error {
	if err := t.Check(h, c); err != nil {
		return err
	}
	if set.Hash() != h.NextValidators {
		return differ(h.Height, "header.nextValidators", "the header hands over to another set of validators", h.NextValidators, set.Hash())
	}
	t.set, t.next = set, h.Height+1
	return nil
}
