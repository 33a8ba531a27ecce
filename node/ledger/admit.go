package ledger

import (
	"errors"

	"github.com/posnet/posnet/node/types"
)

// MaxNonceGap is how far a record's nonce may be ahead of its signer's account:
// as many records as one signer may have waiting in a pool.
const MaxNonceGap = 10_000

// Admit checks a record before it enters a pool, be it verified or not: whether the network's rules
// allow it at all, whether its nonce or id was used, and whether there is a
// place for a guest. What others in the pool may yet change, such as balances
// and stakes, is left to Apply. The error is a *Refusal.
func (s *State) Admit(r *types.Record) error {
	t := Trial{state: s, height: s.height + 1, crowd: s.crowd, minted: s.minted} // only read
	key, signed := r.Signer(s.authority)
	if err := mayWait(t.unused(r)); err != nil {
		return err
	}
	switch r.Type {
	case types.Transfer:
		return s.admitTransfer(r)
	case types.Reading:
		if _, guest := s.guests[key]; guest && signed {
			return guestReading()
		}
	case types.StakeChange:
		return checkVRFKey(r)
	case types.Entry:
		return t.admitEntry(r)
	}
	return nil
}

// mayWait turns the error of a record that comes too early, but not by far, into
// none: it may wait in a pool.
func mayWait(err error) error {
	var gap *Gap
	if !errors.As(err, &gap) {
		return err
	}
	if gap.Nonce-gap.Next <= MaxNonceGap {
		return nil
	}
	return refuse("nonce", "is %d: the next of %s is %d, and records wait for others at most %d ahead", gap.Nonce, gap.Signer.Short(), gap.Next, MaxNonceGap)
}

func (s *State) admitTransfer(r *types.Record) error {
	if err := s.transferAllowed(r); err != nil {
		return err
	}
	if r.IsMint() && r.Amount > types.MaxAmount-s.minted {
		return tooMuchMinted(r.Amount, s.minted)
	}
	return nil
}

func (t *Trial) admitEntry(r *types.Record) error {
	if err := t.state.guestAllowed(r); err != nil {
		return err
	}
	if g, known := t.Guest(r.Session); known {
		return checkGuest(r, g)
	}
	return t.checkEntry(r)
}
