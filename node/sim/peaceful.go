package sim

import "time"

// Peaceful returns a network of n validators with equal stakes and real signatures
// in which nothing goes wrong: all have candidates at once and all records, messages
// take about a millisecond, and a synced write one to two.
func Peaceful(seed, heights uint64, n int) *Scenario {
	s := &Scenario{
		Seed: seed, Heights: heights, RealDraw: true, RealKeys: true, FullPools: true,
		ProposeTimeout: 3 * time.Second, Bound: time.Minute,
		Delay:       Range{500 * time.Microsecond, 1500 * time.Microsecond},
		Sync:        Range{time.Millisecond, 2 * time.Millisecond},
		Adversaries: make([]Adversary, n),
	}
	stakes := make([]uint64, n)
	for i := range stakes {
		s.Keys = append(s.Keys, s.validatorKey(i))
		s.Rules = append(s.Rules, CandidateRule{Chance: 1})
		stakes[i] = 1
	}
	s.Epochs = []Epoch{{From: 1, Set: s.makeSet(stakes)}}
	return s
}
