package sim

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// TestLargestNetwork: as many validators as there may be, a tenth of them
// byzantine, agree as well.
func TestLargestNetwork(t *testing.T) {
	rng := seeded(1, 1)
	s := &Scenario{
		Seed: 1, Heights: 3, RealDraw: true, Start: Range{0, 300 * time.Millisecond}, ProposeTimeout: 500 * time.Millisecond,
		Delay: Range{time.Millisecond, 10 * time.Millisecond}, Sync: Range{0, 2 * time.Millisecond},
		Bound: 100 * time.Second,
	}
	s.addNodes(rng, types.MaxValidators)
	stakes := make([]uint64, types.MaxValidators)
	for i := range stakes {
		stakes[i] = 1 + rng.Uint64N(100)
	}
	s.Epochs = []Epoch{{From: 1, Set: s.makeSet(stakes)}}
	s.Adversaries = make([]Adversary, types.MaxValidators)
	for i := range types.MaxValidators / 10 {
		s.Adversaries[10*i+5] = randomAdversary(rng)
	}
	s.addTwins()
	if r := Run(s, nil); r.Err != nil {
		t.Errorf("%v", r.Err)
	} else {
		t.Logf("%d lines, %v, %+v", r.Lines, r.Took, r.Counts)
	}
}

// TestPeacefulNetwork: where nothing goes wrong, every height is decided at once,
// but for the first, at which links come up.
func TestPeacefulNetwork(t *testing.T) {
	r := Run(Peaceful(1, 20, 4), nil)
	if r.Err != nil || r.LateRounds > 4 || r.Took > time.Second {
		t.Errorf("error %v; %v, %+v", r.Err, r.Took, r.Counts)
	}
}
