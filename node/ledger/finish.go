package ledger

import (
	"fmt"
	"iter"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Delta is all that one block changes. It is made by Finish and used once, by
// the Commit of the state it was made on.
type Delta struct {
	trial  *Trial
	seed   lottery.Seed
	newest *types.ValidatorSet // of the block's height + 2
	reward uint64
}

// Finish does what a block does beside its records: the winner's account gets
// the block reward, unless more than types.MaxAmount would then be minted; the
// seed moves on by the output of the block's VRF proof; and stakes and guests
// take their turn. The error says why the block is not valid: the winner is not
// in the draw of its height, another proposer than it or its host made it, or it
// was won by a guest and does not hold the guest's reading.
func (t *Trial) Finish(out lottery.Output) (*Delta, error) {
	if t.done {
		return nil, errDone
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if err := t.checkWinner(); err != nil {
		return nil, err
	}
	d := &Delta{trial: t, seed: lottery.NextSeed(t.state.seed, t.height, out), newest: t.state.newest}
	if t.validators != nil {
		set, err := types.NewValidatorSet(t.validators)
		if err != nil {
			return nil, fmt.Errorf("the block at height %d leaves no valid set of validators: %w", t.height, err)
		}
		d.newest = set
	}
	t.done = true
	t.goneNow()
	if reward := t.state.params.BlockReward; reward <= types.MaxAmount-t.minted && reward > 0 {
		t.minted += reward
		t.now(types.KeyedAccount(t.winner)).Balance += reward
		d.reward = reward
	}
	return d, nil
}

// checkWinner checks who has won and who proposed.
func (t *Trial) checkWinner() error {
	p, ok := t.state.participant(t.winner)
	switch {
	case !ok:
		return fmt.Errorf("the block at height %d names %s as its winner, who is not in the draw of that height", t.height, t.winner.Short())
	case t.proposer != p.Host:
		return fmt.Errorf("the block at height %d was made by %s: for winner %s it must be made by %s", t.height, t.proposer.Short(), t.winner.Short(), p.Host.Short())
	case p.Guest && !t.reading:
		return fmt.Errorf("the block at height %d was won by guest %s and does not hold its reading", t.height, t.winner.Short())
	}
	return nil
}

// goneNow deletes the guests whose last height this block is.
func (t *Trial) goneNow() {
	for session := range t.state.leaving {
		g, _ := t.Guest(session)
		t.guests[session] = guestChange{Guest: g, gone: true}
	}
}

// Height is that of the block.
func (d *Delta) Height() uint64 { return d.trial.height }

// Reward is what the winner got: the network's block reward, or 0 where no more
// can be minted.
func (d *Delta) Reward() uint64 { return d.reward }

// Nonces yields the keys whose next nonce the block changed, with that nonce:
// records of theirs with lower ones are stale.
func (d *Delta) Nonces() iter.Seq2[types.PublicKey, uint64] {
	return func(yield func(types.PublicKey, uint64) bool) {
		for _, c := range d.trial.touched {
			key, keyed := c.account.Key()
			if keyed && c.now.Nonce != c.was.Nonce && !yield(key, c.now.Nonce) {
				return
			}
		}
	}
}

// Commit makes the delta the state and returns the entries that changed. It
// panics if the delta was made on another state or another height: whoever does
// that has lost track of the chain.
func (s *State) Commit(d *Delta) []Change {
	t := d.trial
	if t.state != s || t.height != s.height+1 {
		panic(fmt.Sprintf("ledger: a delta of height %d was not made on this state of height %d", t.height, s.height))
	}
	c := newChangeList(3 + len(t.touched) + len(t.ids) + len(t.guests))
	s.height, s.seed, s.minted = t.height, d.seed, t.minted
	c.meta(s)
	s.commitValidators(c, d.newest)
	s.commitAccounts(c, t.touched)
	for _, id := range t.ids {
		c.seen(id)
		s.seen[id] = struct{}{}
	}
	s.commitGuests(c, t)
	s.trie.apply(c.list)
	return c.list
}

func (s *State) commitAccounts(c *changeList, list []touched) {
	for _, a := range list {
		if a.now == a.was {
			continue
		}
		c.account(a.account, a.now)
		if a.now == (AccountState{}) {
			delete(s.accounts, a.account)
			continue
		}
		s.accounts[a.account] = a.now
	}
}

// commitValidators moves the schedule on by one height.
func (s *State) commitValidators(c *changeList, newest *types.ValidatorSet) {
	if s.next.Hash() != s.newest.Hash() {
		c.validators(nextSet, s.newest)
	}
	if newest.Hash() != s.newest.Hash() {
		c.validators(newestSet, newest)
	}
	s.next, s.newest = s.newest, newest
}

// commitGuests writes the guests that changed, ascending by session.
func (s *State) commitGuests(c *changeList, t *Trial) {
	s.crowd = t.crowd
	clear(s.leaving)
	for _, session := range sortedKeys(t.guests) {
		g := t.guests[session]
		g.Nonce = 0 // its account has it
		_, known := s.guests[session]
		if g.gone && !known {
			continue
		}
		c.guest(session, g.Guest, g.gone)
		if g.gone {
			delete(s.guests, session)
			continue
		}
		s.guests[session] = g.Guest
		if g.Until != 0 {
			s.leaving[session] = struct{}{}
		}
	}
}
