package sim

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// TestTwins plays all Twins scenarios of a few rounds with one pair of twins,
// less than a third of the stake: no two nodes disagree, and when all
// hear each other again all go on.
func TestTwins(t *testing.T) {
	for rounds := 1; rounds <= *twinRounds; rounds++ {
		t.Logf("%d rounds: %d scenarios", rounds, playTwins(t, 1, rounds, func(c TwinsCase, r Result) {
			if r.Err != nil {
				t.Errorf("%v: %v", c, r.Err)
			}
		}))
	}
}

// TestTwoPairsOfTwins plays them with two pairs, half of the stake: the chain
// forks, and what the honest nodes hold names both pairs, or enough of them.
func TestTwoPairsOfTwins(t *testing.T) {
	var forks atomic.Int64
	for rounds := 1; rounds <= *pairRounds; rounds++ {
		n := playTwins(t, 2, rounds, func(c TwinsCase, r Result) {
			switch {
			case r.Fork != nil:
				forks.Add(1)
				if err := c.scenario().judge(r.Fork); err != nil {
					t.Errorf("%v: %v: %v", c, r.Err, err)
				}
			case r.Err != nil:
				t.Errorf("%v: %v", c, r.Err)
			}
		})
		t.Logf("%d rounds: %d scenarios, %d forks so far", rounds, n, forks.Load())
	}
	if forks.Load() == 0 {
		t.Error("half of the stake ran twice, and the chain did not fork")
	}
}

// playTwins plays all cases on all cores, until one fails.
func playTwins(t *testing.T, pairs, rounds int, check func(TwinsCase, Result)) int64 {
	var played atomic.Int64
	onAllCores(TwinsShards(pairs), func(shard int) bool {
		AllTwins(pairs, rounds, shard, func(c TwinsCase) (int, bool) {
			r, begun := c.Play(nil)
			played.Add(1)
			check(c, r)
			return begun, !t.Failed()
		})
		return !t.Failed()
	})
	return played.Load()
}

// TestLongTwins plays some of the many scenarios of four rounds, of which there
// are a million.
func TestLongTwins(t *testing.T) {
	for seed := range uint64(*longTwins) {
		c := randomTwins(seeded(seed, 4), 4)
		if r, _ := c.Play(nil); r.Err != nil {
			t.Fatalf("%v: %v", c, r.Err)
		}
	}
}

func randomTwins(rng *rand.Rand, rounds int) TwinsCase {
	c := TwinsCase{Pairs: 1, Early: rng.IntN(2) == 0}
	for range rounds {
		c.Rounds = append(c.Rounds, TwinsRound{rng.IntN(twinsValidators), Sides(rng.IntN(1 << c.nodes()))})
	}
	return c
}
