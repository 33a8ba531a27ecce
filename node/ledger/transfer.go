package ledger

import "github.com/posnet/posnet/node/types"

// transfer moves tokens, or makes them if the sender is Genesis.
func (t *Trial) transfer(r *types.Record) error {
	if err := t.state.transferAllowed(r); err != nil {
		return err
	}
	if r.IsMint() {
		if r.Amount > types.MaxAmount-t.minted {
			return tooMuchMinted(r.Amount, t.minted)
		}
		t.minted += r.Amount
	} else {
		if has := t.Account(r.Sender).Balance; has < r.Amount {
			return refuse("amount", "is %d: the sender has %d", r.Amount, has)
		}
		t.now(r.Sender).Balance -= r.Amount
	}
	t.now(r.Receiver).Balance += r.Amount
	t.use(r)
	return nil
}

// transferAllowed checks the network's rules for a transfer.
func (s *State) transferAllowed(r *types.Record) error {
	if r.Receiver.Kind == types.Open && !s.params.OpenAccounts {
		return noOpenAccounts("receiver", r.Receiver)
	}
	if !r.IsMint() {
		return nil
	}
	if !s.params.Faucet {
		return forbid("sender", "is GENESIS: the faucet of this network is off, so nobody can mint")
	}
	if r.Amount > s.params.FaucetMax {
		return forbid("amount", "is %d: the faucet of this network gives at most %d at a time", r.Amount, s.params.FaucetMax)
	}
	return nil
}

func tooMuchMinted(amount, minted uint64) error {
	return refuse("amount", "is %d: %d tokens were minted already, and there can be %d in all", amount, minted, types.MaxAmount)
}

// read takes a reading in. A guest's is the one thing that its own block must
// hold, and can be in no other; of anybody else there may be any number.
func (t *Trial) read(r *types.Record) error {
	key, keyed := r.Sender.Key()
	if g, ok := t.Guest(key); ok && keyed {
		if err := t.readWinning(g); err != nil {
			return err
		}
		g.Waiting = false
		t.setGuest(key, g)
		t.reading = true
	}
	t.use(r)
	return nil
}

// readWinning checks that a guest's reading may be in this block: it waits since
// an earlier block, or since an entry in this one: else a guest that won could
// not win the next height, and constant players would win less than their share.
func (t *Trial) readWinning(g Guest) error {
	switch {
	case g.Session != t.winner:
		return guestReading()
	case t.reading:
		return refuse("author", "is the guest that won, and its reading is in the block already")
	case !g.Waiting && !t.state.guests[g.Session].Waiting:
		return refuse("author", "is a guest without a reading that waits, which cannot win: its host passes")
	}
	return nil
}

func guestReading() error {
	return refuse("author", "is a guest in the draw, whose readings come as entries: one is put into the block that the guest wins")
}
