package rollout

import "slices"

// Share is what a validator weighs while stakes change: the least and the most
// that it has or may have soon, in tokens.
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

// Budget is what evictions may take down at a time.
type Budget struct {
	// Heavy names the validators that cost the quorum each by itself, in the order
	// of the shares.
	Heavy []string
	// Light is how many validators are left beside them.
	Light int
	// MaxUnavailable is the largest number of light validators of which no choice
	// costs the quorum while all others are online; 0 where there are none.
	MaxUnavailable int
}

// NewBudget returns the budget that holds for every mixture of the stakes in the
// shares, so that it is right at each step between one set of stakes and
// another.
//
// With the validators of a set d down, a quorum is left while three times their
// stake is less than the total. The worst mixture for d is that of the most
// stake in d and the least elsewhere: 2*High + Low, summed over d, must be less
// than Low summed over all. So the worst d of a size holds the greatest of these
// weights, and one validator is heavy when its weight alone is too much.
func NewBudget(shares []Share) Budget {
	var least uint64
	for _, s := range shares {
		least += s.Low
	}
	var b Budget
	var light []uint64
	for _, s := range shares {
		if weight := 2*s.High + s.Low; weight >= least {
			b.Heavy = append(b.Heavy, s.Name)
		} else {
			light = append(light, weight)
		}
	}
	b.Light = len(light)
	slices.Sort(light)
	var down uint64
	for _, weight := range slices.Backward(light) {
		if down += weight; down >= least {
			break
		}
		b.MaxUnavailable++
	}
	return b
}
