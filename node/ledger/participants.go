package ledger

import (
	"bytes"
	"slices"

	"github.com/posnet/posnet/node/types"
)

// Guest is a person on a line console who takes part in the draw.
type Guest struct {
	Session types.PublicKey // signs the guest's records
	Host    types.PublicKey // the validator whose console it is
	Balance uint64          // what the guest weighs, 1 to types.MaxAmount tokens
	Nonce   uint64          // the number its next record must have: that of its account
	BPM     uint64          // the newest reading
	Waiting bool            // the reading has not been in a block yet
	From    uint64          // the first height it is drawn at
	Until   uint64          // the first height it is no longer drawn at; 0 while it stays
}

// in reports whether the guest is drawn at a height.
func (g *Guest) in(height uint64) bool {
	return g.From <= height && (g.Until == 0 || height < g.Until)
}

// Participant is who takes part in the draw of a height.
type Participant struct {
	ID     types.PublicKey // a validator's key or a guest's session
	Weight uint64          // stake or balance, 1 to types.MaxAmount tokens
	Host   types.PublicKey // the validator that proposes for it: itself, or the guest's host
	Guest  bool
}

// Participants returns who takes part in the draw of height+1, ascending by ID:
// the validators whose time has come, and the guests. If no validator's time
// has come, as when all were replaced at once, all of that height take part, so
// that there is always somebody to make a block.
func (s *State) Participants() []Participant {
	height := s.height + 1
	list := Drawn(s.next, height)
	for session, g := range s.guests {
		if g.in(height) {
			list = append(list, Participant{ID: session, Weight: g.Balance, Host: g.Host, Guest: true})
		}
	}
	slices.SortFunc(list, func(a, b Participant) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return list
}

// Drawn returns which validators of a height take part in its draw, ascending by ID:
// where there are no guests, all who do.
func Drawn(set *types.ValidatorSet, height uint64) []Participant {
	list := make([]Participant, 0, set.Len())
	waived := waived(set, height)
	for i := range set.Len() {
		if v := set.At(i); waived || v.DrawFrom <= height {
			list = append(list, Participant{ID: v.Key, Weight: v.Stake, Host: v.Key})
		}
	}
	return list
}

// waived reports whether all validators of a height are drawn because none's time
// has come.
func waived(set *types.ValidatorSet, height uint64) bool {
	for i := range set.Len() {
		if set.At(i).DrawFrom <= height {
			return false
		}
	}
	return true
}

// participant returns who takes part in the draw of height+1 under an id.
func (s *State) participant(id types.PublicKey) (Participant, bool) {
	height := s.height + 1
	if v, ok := s.next.ByKey(id); ok {
		return Participant{ID: id, Weight: v.Stake, Host: id}, v.DrawFrom <= height || waived(s.next, height)
	}
	g, ok := s.guests[id]
	return Participant{ID: id, Weight: g.Balance, Host: g.Host, Guest: true}, ok && g.in(height)
}

// Guest returns the guest of a session, and whether there is one, be it that
// it enters the draw or leaves it with the next block.
func (s *State) Guest(session types.PublicKey) (Guest, bool) {
	g, ok := s.guests[session]
	g.Nonce = s.accounts[types.KeyedAccount(session)].Nonce
	return g, ok
}

// Guests returns all guests, ascending by session.
func (s *State) Guests() []Guest {
	list := make([]Guest, 0, len(s.guests))
	for _, session := range sortedKeys(s.guests) {
		g, _ := s.Guest(session)
		list = append(list, g)
	}
	return list
}

// ReadingWaits reports whether a guest in the draw of height+1 has a reading
// that waits: reason enough for a block.
func (s *State) ReadingWaits() bool {
	for _, g := range s.guests {
		if g.Waiting && g.in(s.height+1) {
			return true
		}
	}
	return false
}
