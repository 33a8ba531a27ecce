package rollout

import "slices"

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

// NewBudget returns the budget for validators of these shares.
//
// With all online, and the least stake everywhere, the margin (see tally) is the
// sum of all Low. So a set is too much when its weights come to that, the worst
// set of a size holds the greatest weights, and one validator is heavy when its
// weight alone is too much.
func NewBudget(shares []Share) Budget {
	var least uint64
	for _, s := range shares {
		least += s.Low
	}
	var b Budget
	var light []uint64
	for _, s := range shares {
		if s.weight() >= least {
			b.Heavy = append(b.Heavy, s.Name)
		} else {
			light = append(light, s.weight())
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
