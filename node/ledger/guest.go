package ledger

import (
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Bounds of what a draw takes, whatever the genesis file allows.
const (
	maxGuests      = lottery.MaxParticipants - types.MaxValidators
	maxGuestWeight = lottery.MaxTotal - types.MaxAmount // of all guests together
)

// Guest returns the guest of a session after the records applied so far, and
// whether there is one. Its Nonce and BPM are those that its reading must have
// and should have.
func (t *Trial) Guest(session types.PublicKey) (Guest, bool) {
	c, changed := t.guests[session]
	if !changed {
		g, ok := t.state.guests[session]
		c = guestChange{Guest: g, gone: !ok}
	}
	c.Nonce = t.Account(types.KeyedAccount(session)).Nonce
	return c.Guest, !c.gone
}

func (t *Trial) setGuest(session types.PublicKey, g Guest) {
	t.guests[session] = guestChange{Guest: g}
}

// enter takes a guest into the draw two heights on, or brings its new reading.
func (t *Trial) enter(r *types.Record) error {
	if err := t.state.guestAllowed(r); err != nil {
		return err
	}
	g, known := t.Guest(r.Session)
	if known {
		if err := checkGuest(r, g); err != nil {
			return err
		}
	} else {
		if err := t.checkEntry(r); err != nil {
			return err
		}
		g = Guest{Session: r.Session, Host: r.Validator, Balance: r.Amount, From: t.height + 2}
		t.crowd.count++
		t.crowd.weight += r.Amount
	}
	g.BPM, g.Waiting = r.BPM, true
	t.setGuest(r.Session, g)
	t.use(r)
	return nil
}

// guestAllowed checks the network's rules for an entry.
func (s *State) guestAllowed(r *types.Record) error {
	if !s.params.Guests {
		return forbid("type", "is entry: this network takes no guests into its draw")
	}
	if r.Amount > s.params.MaxGuestWeight {
		return forbid("balance", "is %d: a guest of this network may bring at most %d", r.Amount, s.params.MaxGuestWeight)
	}
	return nil
}

// checkGuest checks that an entry brings nothing but a new reading.
func checkGuest(r *types.Record, g Guest) error {
	switch {
	case g.Until != 0:
		return refuse("session", "is leaving the draw: a new session has to have a new key")
	case r.Validator != g.Host:
		return refuse("validator", "is %s: the session is hosted by %s as long as it lasts", r.Validator.Short(), g.Host.Short())
	case r.Amount != g.Balance:
		return refuse("balance", "is %d: the guest is in the draw with %d, which stays as long as the session lasts", r.Amount, g.Balance)
	}
	return nil
}

// checkEntry checks that there is a place for a new guest.
func (t *Trial) checkEntry(r *types.Record) error {
	limit := min(uint64(t.state.params.MaxGuests), maxGuests)
	switch {
	case t.isNewest(r.Session):
		return refuse("session", "is the key of a validator: a guest must have its own")
	case !t.isNewest(r.Validator):
		return refuse("validator", "is %s, which is no validator: the host of a guest must be one", r.Validator.Short())
	case uint64(t.crowd.count) >= limit:
		return refuse("session", "finds no place: %d guests are in the draw, as many as this network takes", t.crowd.count)
	case r.Amount > maxGuestWeight-t.crowd.weight:
		return refuse("balance", "is %d: the guests in the draw bring %d together, and there can be %d in all", r.Amount, t.crowd.weight, maxGuestWeight)
	}
	return nil
}

// leave takes a guest out of the draw two heights on. Its place is free at once.
func (t *Trial) leave(r *types.Record) error {
	g, known := t.Guest(r.Session)
	if !known || g.Until != 0 {
		return refuse("session", "is no guest in the draw: there is nothing to leave")
	}
	t.part(g)
	t.use(r)
	return nil
}

// dismiss takes out the guests of a validator that is removed.
func (t *Trial) dismiss(host types.PublicKey) {
	for _, session := range sortedKeys(t.state.guests) {
		if g, known := t.Guest(session); known && g.Host == host && g.Until == 0 {
			t.part(g)
		}
	}
	for _, session := range sortedKeys(t.guests) {
		if g, known := t.Guest(session); known && g.Host == host && g.Until == 0 {
			t.part(g)
		}
	}
}

// part ends a guest's time. Who came in this very block was never drawn.
func (t *Trial) part(g Guest) {
	t.crowd.count--
	t.crowd.weight -= g.Balance
	g.Until, g.Waiting = t.height+2, false
	t.guests[g.Session] = guestChange{Guest: g, gone: g.From >= g.Until}
}
