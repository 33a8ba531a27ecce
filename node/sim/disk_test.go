package sim

import (
	"testing"
	"time"
)

// TestEverySyncPoint lets the disk of one of four validators fail at each single
// sync that it makes, from the making of its folder on: the power fails, and
// nothing or everything of what was not synced is there afterwards, or the disk
// gives errors until the node is started again. Each time the validator comes
// back with all that it has signed and committed, and goes on with the others.
func TestEverySyncPoint(t *testing.T) {
	for mode := range diskFailures {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			var total Counts
			point := 1
			for ; ; point++ {
				r := Run(syncPointScenario(point, mode), nil)
				if r.Err != nil {
					t.Fatalf("sync %d: %v", point, r.Err)
				}
				if total.Add(r.Counts); r.DiskFailures == 0 {
					break // so many syncs it does not make
				}
			}
			t.Logf("%d sync points: %v", point-1, total)
			if point < 30 || total.Resumed == 0 || total.Survived == 0 && mode == KeepsUnsynced || total.Survived > 0 && mode == LosesUnsynced {
				t.Errorf("the disk failed at %d syncs only, or something of interest did not happen: %v", point-1, total)
			}
		})
	}
}

func syncPointScenario(point int, mode DiskFailure) *Scenario {
	const validators, faulty = 4, 3
	s := &Scenario{
		Seed: uint64(point), Heights: 6, RealDisks: true, Interval: 20 * time.Millisecond, ProposeTimeout: 100 * time.Millisecond,
		Delay: Range{time.Millisecond, 3 * time.Millisecond}, Heal: 300 * time.Millisecond, Bound: 20 * time.Second,
		Faults: []Fault{DiskFault{Span{0, 300 * time.Millisecond}, faulty, point, mode, true}},
	}
	for i := range validators {
		s.Keys = append(s.Keys, s.validatorKey(i))
		s.Rules = append(s.Rules, CandidateRule{Chance: 1})
	}
	s.Adversaries = make([]Adversary, validators)
	s.Epochs = []Epoch{{From: 1, Set: s.makeSet([]uint64{1, 1, 1, 1})}}
	return s
}
