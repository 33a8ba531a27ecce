package sim

import (
	"flag"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds      = flag.Int("seeds", 250, "how many seeds TestSeeds plays")
	first      = flag.Uint64("first", 0, "the first of them")
	heights    = flag.Uint64("heights", DefaultHeights, "how many blocks every honest node is to commit")
	each       = flag.Int("each", 4, "how many seeds TestEachAdversary plays of each")
	locked     = flag.Int("locked", 60, "how many seeds TestForgedValidRoundsUnlockNobody plays")
	forkSeeds  = flag.Int("forks", 90, "how many seeds TestForksNameTheCulprits plays of each")
	twinRounds = flag.Int("twin-rounds", 2, "up to how many rounds TestTwins plays all scenarios of")
	pairRounds = flag.Int("pair-rounds", 2, "the same for TestTwoPairsOfTwins")
	longTwins  = flag.Int("long-twins", 500, "how many scenarios TestLongTwins plays")
	seed       = flag.Int64("seed", -1, "play this one seed only; with -v its trace is printed")
)

// replayEvery: every so many seeds are played a second time, to compare the
// traces.
const replayEvery = 10

// TestSeeds plays random networks through random faults.
func TestSeeds(t *testing.T) {
	if *seed >= 0 {
		playOne(t, uint64(*seed))
		return
	}
	total := playAll(t, *seeds, func(n uint64) Counts {
		n += *first
		r := Run(RandomScenario(n, *heights), nil)
		if r.Err != nil {
			t.Errorf("seed %d: %v\nreplay with: go test ./node/sim -run TestSeeds -seed=%d -heights=%d -v", n, r.Err, n, *heights)
		}
		if n%replayEvery == 0 {
			if again := Run(RandomScenario(n, *heights), nil); again.Trace != r.Trace {
				t.Errorf("seed %d: played twice, the traces differ: %s and %s", n, r.Trace, again.Trace)
			}
		}
		return r.Counts
	})
	t.Logf("%+v", total)
	if total.LateRounds == 0 || total.Reproposed == 0 || total.Resumed == 0 || total.Fetched == 0 || total.Evidence == 0 || *seeds >= 1000 && total.Unlocked == 0 {
		t.Errorf("something of interest did not happen in %d seeds: %+v", *seeds, total)
	}
}

// playAll plays seeds on all cores, and stops at the first that fails.
func playAll(t *testing.T, seeds int, play func(seed uint64) Counts) (total Counts) {
	var mu sync.Mutex
	onAllCores(seeds, func(n int) bool {
		counts := play(uint64(n))
		mu.Lock()
		defer mu.Unlock()
		total.Add(counts)
		return !t.Failed()
	})
	return total
}

// onAllCores calls do for the numbers below n, until it returns false.
func onAllCores(n int, do func(int) bool) {
	var next atomic.Int64
	var over atomic.Bool
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for k := int(next.Add(1) - 1); k < n && !over.Load(); k = int(next.Add(1) - 1) {
				if !do(k) {
					over.Store(true)
				}
			}
		})
	}
	workers.Wait()
}

func playOne(t *testing.T, seed uint64) {
	var out io.Writer
	if testing.Verbose() {
		out = os.Stdout
	}
	r := Run(RandomScenario(seed, *heights), out)
	t.Logf("seed %d: trace %s, %d lines, %v, %+v", seed, r.Trace, r.Lines, r.Took, r.Counts)
	if r.Err != nil {
		t.Error(r.Err)
	}
}

// TestIdleNetworkSignsNothing: while nobody has a candidate, no vote is cast,
// whatever happens to the network.
func TestIdleNetworkSignsNothing(t *testing.T) {
	for seed := range uint64(20) {
		s := RandomScenario(seed, 1)
		for i := range s.Rules {
			s.Rules[i].Chance, s.Adversaries[i] = 0, nil
		}
		s.Bound = 30 * time.Second
		r := Run(s, nil)
		if r.Signed > 0 {
			t.Errorf("seed %d: %d messages were signed without a candidate", seed, r.Signed)
		}
		if r.Err == nil {
			t.Errorf("seed %d: blocks were made without a candidate", seed)
		}
	}
}
