package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const everyOther = Sides(0xaaaaaaaaaaaaaaaa)

// adversaries are all there are, as one may meet them alone.
var adversaries = []Adversary{
	Equivocator{}, DoubleVoter{}, Silent{}, Crier{}, YesMan{}, Withholder{From: 2}, LateVoter{Range{0, 3 * time.Second}},
	Inventor{}, RoundForger{}, HeightLiar{}, BlockForger{}, Replayer{}, Flooder{Burst: 30}, Garbler{}, Twin{},
	Splitter{Sides: everyOther}, Forgetter{Sides: everyOther}, Unlocker{},
}

// TestEachAdversary plays networks in which all who break the rules break the
// same, below a third of the stake.
func TestEachAdversary(t *testing.T) {
	for _, a := range adversaries {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(*each) {
				s := castScenario(seed, 20, func(s *Scenario, rng *rand.Rand) { s.cast(rng, func() Adversary { return a }) })
				if r := Run(s, nil); r.Err != nil {
					t.Fatalf("seed %d: %v\n%v", seed, r.Err, s)
				}
			}
		})
	}
}

// TestForgedValidRoundsUnlockNobody plays networks in which one node decides blocks
// and cannot tell the others, while somebody tries to talk them into another: a valid
// round may not be believed without its prevotes.
func TestForgedValidRoundsUnlockNobody(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*locked) {
		if s := lockedScenario(seed, 10); s != nil {
			if r := Run(s, nil); r.Err != nil {
				t.Fatalf("seed %d: %v\n%v", seed, r.Err, s)
			}
		}
	}
}

// TestSeedsHaveUnlockers: random networks are of that kind, too, now and then.
func TestSeedsHaveUnlockers(t *testing.T) {
	const many = 40 * lockedEvery
	found := 0
	for seed := range uint64(many) {
		s := RandomScenario(seed, 1)
		if slices.Contains(s.Adversaries, Adversary(Unlocker{})) && slices.ContainsFunc(s.Faults, func(f Fault) bool { _, ok := f.(Mute); return ok }) {
			found++
		}
	}
	if found < 10 || found > 40 { // four in seven networks are large enough
		t.Errorf("%d of %d seeds", found, many)
	}
}

// castScenario returns the scenario of a seed, or of one that follows, with one
// adversary at least.
func castScenario(seed, heights uint64, cast func(*Scenario, *rand.Rand)) *Scenario {
	for ; ; seed += 1 << 32 {
		s := newScenario(seed, heights, cast)
		if slices.ContainsFunc(s.Adversaries, func(a Adversary) bool { return a != nil }) {
			return s
		}
	}
}

// divide makes as many byzantine as are no quorum by themselves: they can fork
// the chain, but not alone. The honest are in two camps that hear nothing of each
// other until all is healed.
func (s *Scenario) divide(rng *rand.Rand, next func() Adversary) {
	s.MayFork = true
	stakes := make([]uint64, len(s.Keys))
	for i := range stakes {
		stakes[i], s.Rules[i] = 1+rng.Uint64N(2), CandidateRule{Chance: 1}
	}
	s.Epochs = []Epoch{{From: 1, Set: s.makeSet(stakes)}}
	for _, i := range rng.Perm(len(s.Keys)) {
		if i < 2 {
			continue // one honest node is in each camp
		}
		s.Adversaries[i] = next()
		if s.Epochs[0].Set.IsQuorum(s.stake(s.Epochs[0].Set, s.byzantine)) {
			s.Adversaries[i] = nil
		}
	}
	validators := len(s.Keys)
	camp := func(i int) int { // of twins, the second nodes are in the second camp
		if s.Adversaries[i] == (Twin{}) {
			return i / validators
		}
		return i % 2
	}
	alone := func(i int) bool { return !s.byzantine(i) || s.Adversaries[i] == (Twin{}) }
	s.Loses = func(w *World, from, to int, _ any) bool {
		return w.now < w.Heal && alone(from) && alone(to) && camp(from) != camp(to)
	}
}

// TestForksNameTheCulprits: with a third of the stake and more byzantine the
// chain forks. From what the honest nodes hold together, more than a third of
// the stake is then found guilty, and nobody honest.
func TestForksNameTheCulprits(t *testing.T) {
	for name, pick := range map[string]func(*rand.Rand) Adversary{
		"splitters":  func(*rand.Rand) Adversary { return Splitter{Sides: everyOther} },
		"twins":      func(*rand.Rand) Adversary { return Twin{} },
		"forgetters": func(*rand.Rand) Adversary { return Forgetter{Sides: everyOther} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forks, forgotten := 0, 0
			for seed := range uint64(*forkSeeds) {
				s := castScenario(seed, 10, func(s *Scenario, rng *rand.Rand) { s.divide(rng, func() Adversary { return pick(rng) }) })
				s.Faults, s.Bound = nil, 3*time.Second
				if r := Run(s, nil); r.Fork != nil {
					forks++
					for _, e := range r.Fork.Culprits {
						if e.First.Kind != e.Second.Kind {
							forgotten++
						}
					}
					if err := s.judge(r.Fork); err != nil {
						t.Fatalf("seed %d: %v\n%v\n%v", seed, r.Err, err, s)
					}
				}
			}
			t.Logf("%d forks in %d seeds, %d convicted of a forgotten lock", forks, *forkSeeds, forgotten)
			if forks == 0 || name == "forgetters" && forgotten == 0 {
				t.Error("no fork was found, or nobody convicted of a forgotten lock")
			}
		})
	}
}

// judge checks a verdict.
func (s *Scenario) judge(f *Fork) error {
	set, guilty := s.set(f.Height), map[int]bool{}
	for _, e := range f.Culprits {
		for _, i := range s.nodesOf(e.First.Validator) {
			guilty[i] = true
			if !s.byzantine(i) {
				return fmt.Errorf("the honest n%d is found guilty by %s and %s", i, describe(&e.First), describe(&e.Second))
			}
		}
	}
	if stake := s.stake(set, func(i int) bool { return guilty[i] }); !set.IsBlocking(stake) {
		return fmt.Errorf("only %d of %d are found guilty", stake, set.Total())
	}
	return nil
}
