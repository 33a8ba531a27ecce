package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/posnet/posnet/node/types"
)

// realKeysEvery: one seed in so many plays with real signatures, which cost a
// hundred times what the rest does.
const realKeysEvery = 24

// realDisksEvery: one seed in so many keeps data as production does, which takes
// ten times as long.
const realDisksEvery = 12

// maxNodes is the largest random network, twins not counted: in a larger one
// everything is rarer.
const maxNodes = 7

// seeded derives a random source from a seed and a purpose, so that what is
// drawn for one does not shift the others.
func seeded(seed, purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, purpose)) }

// DefaultHeights is how far a seed's network is played where nothing else is said:
// far enough for stakes to change and for faults to come and go.
const DefaultHeights = 50

// RandomScenario returns the scenario of a seed: every honest node is to reach so
// many heights.
func RandomScenario(seed, heights uint64) *Scenario {
	if seeded(seed, 3).IntN(lockedEvery) == 0 {
		if s := lockedScenario(seed, heights); s != nil {
			return s
		}
	}
	return newScenario(seed, heights, (*Scenario).addAdversaries)
}

// newScenario returns the scenario of a seed; cast says who is byzantine.
func newScenario(seed, heights uint64, cast func(s *Scenario, rng *rand.Rand)) *Scenario {
	rng := seeded(seed, 1)
	n := 1 + rng.IntN(maxNodes)
	s := &Scenario{
		Seed: seed, Heights: heights,
		RealDraw:       rng.IntN(2) == 0,
		Interval:       time.Duration(rng.IntN(2)) * Range{0, 400 * time.Millisecond}.pick(rng),
		ProposeTimeout: Range{60 * time.Millisecond, 500 * time.Millisecond}.pick(rng),
		Start:          Range{0, 300 * time.Millisecond},
		Delay:          Range{time.Millisecond, Range{2 * time.Millisecond, 25 * time.Millisecond}.pick(rng)},
		Sync:           Range{0, Range{0, 4 * time.Millisecond}.pick(rng)},
		Execute:        Range{0, Range{0, 10 * time.Millisecond}.pick(rng)},
		Notice:         Notice(rng.IntN(int(notices))),
		Bound:          100 * time.Second,
	}
	if rng.IntN(8) == 0 { // slower than the first timeouts allow
		s.Delay.To, s.Execute.To = 250*time.Millisecond, 200*time.Millisecond
	}
	s.RealKeys, s.RealDisks = rng.IntN(realKeysEvery) == 0, rng.IntN(realDisksEvery) == 0
	s.addNodes(rng, n)
	s.addEpochs(rng, n)
	s.addGuests(rng)
	s.Adversaries = make([]Adversary, n)
	cast(s, rng)
	s.addTwins()
	perHeight := s.Interval + 6*s.Delay.To + 2*s.Sync.To + s.Execute.To
	s.Heal = min(time.Duration(float64(perHeight)*float64(heights)*(0.2+0.6*rng.Float64())), 20*time.Second)
	s.addFaults(rng)
	return s
}

func (s *Scenario) addNodes(rng *rand.Rand, n int) {
	for i := range n {
		s.Keys = append(s.Keys, s.validatorKey(i))
		rule := CandidateRule{Chance: 1, Delay: Range{0, Range{0, 60 * time.Millisecond}.pick(rng)}}
		if i > 0 { // node 0 always has a candidate sooner or later
			switch rng.IntN(4) {
			case 0:
				rule.Chance = 0.1
			case 1:
				rule.Chance, rule.Flaps = 0.5, true
			case 2:
				rule.Delay.To = 2 * time.Second
			}
		}
		s.Rules = append(s.Rules, rule)
	}
}

// addEpochs makes validator sets: random stakes, some of which change as the
// chain goes on; and a validator may leave and come back.
func (s *Scenario) addEpochs(rng *rand.Rand, n int) {
	stakes := make([]uint64, n)
	most := []uint64{1, 10, 1000, types.MaxAmount / 8}[rng.IntN(4)]
	for i := range stakes {
		stakes[i] = 1 + rng.Uint64N(most)
	}
	for from := uint64(1); from <= s.Heights; from += 5 + rng.Uint64N(30) {
		s.Epochs = append(s.Epochs, Epoch{From: from, Set: s.makeSet(stakes)})
		i := rng.IntN(n)
		stakes[i] = 1 + rng.Uint64N(most)
		if i > 0 && rng.IntN(3) == 0 {
			stakes[i] = 0
		}
	}
}

func (s *Scenario) makeSet(stakes []uint64) *types.ValidatorSet {
	var list []types.Validator
	for i, stake := range stakes {
		if stake > 0 {
			list = append(list, types.Validator{Name: fmt.Sprintf("n%d", i), Key: s.Keys[i], VRFKey: fakeKey("vrf", s.Seed, i), Stake: stake})
		}
	}
	set, err := types.NewValidatorSet(list)
	if err != nil {
		panic("sim: " + err.Error()) // node 0 always has stake
	}
	return set
}

// addAdversaries gives some nodes a mind of their own, or one that they share.
func (s *Scenario) addAdversaries(rng *rand.Rand) {
	next := func() Adversary { return randomAdversary(rng) }
	switch rng.IntN(6) {
	case 0, 1, 2:
		return
	case 3:
		next = randomCoalition(rng)
	}
	s.cast(rng, next)
}

// cast gives as many nodes as there may be, below a third of the stake in every
// epoch, an adversary. Node 0 stays honest.
func (s *Scenario) cast(rng *rand.Rand, next func() Adversary) {
	for _, i := range rng.Perm(len(s.Keys)) {
		if i == 0 {
			continue
		}
		s.Adversaries[i] = next()
		for _, e := range s.Epochs {
			if 3*s.stake(e.Set, s.byzantine) >= e.Set.Total() {
				s.Adversaries[i] = nil
			}
		}
	}
}

// addTwins adds a node for each twin: the other.
func (s *Scenario) addTwins() {
	for i, a := range s.Adversaries {
		if a == (Twin{}) {
			s.Keys = append(s.Keys, s.Keys[i])
			s.Rules = append(s.Rules, s.Rules[i])
			s.Adversaries = append(s.Adversaries, Twin{})
		}
	}
}

func (s *Scenario) addGuests(rng *rand.Rand) {
	if rng.IntN(3) > 0 {
		return
	}
	for i := range 1 + rng.IntN(4) {
		s.Guests = append(s.Guests, Guest{Key: fakeKey("guest", s.Seed, i), Host: rng.IntN(len(s.Keys)), Weight: 1 + rng.Uint64N(20)})
	}
}
