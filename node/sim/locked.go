package sim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// lockedEvery: about one seed in so many is a network in which somebody names valid
// rounds that never were, where that could do harm.
const lockedEvery = 16

// lockedScenario returns the scenario of a seed in which again and again one node
// decides a block and cannot tell the others, while unlockers try to talk them, who
// are locked on it, into another. All have the same stake, and always a candidate. It
// is nil where the seed's network is too small for a byzantine node.
func lockedScenario(seed, heights uint64) *Scenario {
	s := newScenario(seed, heights, func(s *Scenario, rng *rand.Rand) {
		stakes := make([]uint64, len(s.Keys))
		for i := range stakes {
			stakes[i], s.Rules[i] = 1, CandidateRule{Chance: 1}
		}
		s.Epochs = []Epoch{{From: 1, Set: s.makeSet(stakes)}}
		s.cast(rng, func() Adversary { return Unlocker{} })
	})
	if !slices.ContainsFunc(s.Adversaries, func(a Adversary) bool { return a != nil }) {
		return nil
	}
	s.Faults, s.Heal = nil, 60*s.ProposeTimeout
	for from := time.Duration(0); from < s.Heal; from += 10 * s.ProposeTimeout { // some rounds each
		s.Faults = append(s.Faults, Mute{Span: Span{from, from + 8*s.ProposeTimeout}})
	}
	return s
}
