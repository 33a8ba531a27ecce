package rollout

import "slices"

// Share is what a validator weighs while stakes change: the least and the most
// that it has or may have soon, in tokens. What is decided by shares holds for
// every mixture of the stakes in them, and so at each step between one set of
// stakes and another.
type Share struct {
	Name string
	Low  uint64
	High uint64
}

// NewShare returns the share of a validator that goes through these stakes, in
// any order: what counts at the height under way, what counts by the newest
// block, what the spec says. One that is yet to join, or is to leave, has a 0
// among them.
func NewShare(name string, stakes ...uint64) Share {
	return Share{Name: name, Low: slices.Min(stakes), High: slices.Max(stakes)}
}

// weight is what the share takes of the margin, see tally, when its validator
// goes from online to down, in the worst mixture. It is three times a stake that
// does not change.
func (s Share) weight() uint64 { return 2*s.High + s.Low }

// tally is the stake that stays online in the worst mixture: the most in what is
// down, and the least elsewhere.
type tally struct{ online, total uint64 }

func (t *tally) up(s Share)   { t.online += s.Low; t.total += s.Low }
func (t *tally) down(s Share) { t.total += s.High }

// isQuorum reports whether more than two thirds are online. Sums are of amounts
// below 2^53, so that nothing here overflows.
func (t *tally) isQuorum() bool { return 3*t.online > 2*t.total }

// margin is what is online beyond a quorum, times three: positive where there is
// one.
func (t *tally) margin() int64 { return 3*int64(t.online) - 2*int64(t.total) }
