package sim

import (
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seeds   = flag.Int("seeds", 1000, "how many seeds TestSeeds plays")
	heights = flag.Uint64("heights", 50, "how many blocks every honest node is to commit")
	seed    = flag.Int64("seed", -1, "play this one seed only; with -v its trace is printed")
)

// replayEvery: every so many seeds are played a second time, to compare the
// traces.
const replayEvery = 10

func TestSeeds(t *testing.T) {
	if *seed >= 0 {
		one(t, uint64(*seed))
		return
	}
	var next, lines, signed atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= int64(*seeds) || t.Failed() {
					return
				}
				r := Run(RandomScenario(uint64(n), *heights), nil)
				lines.Add(int64(r.Lines))
				signed.Add(int64(r.Signed))
				if r.Err != nil {
					t.Errorf("seed %d: %v\nreplay with: go test ./node/sim -run TestSeeds -seed=%d -heights=%d -v", n, r.Err, n, *heights)
				}
				if n%replayEvery == 0 {
					if again := Run(RandomScenario(uint64(n), *heights), nil); again.Trace != r.Trace {
						t.Errorf("seed %d: played twice, the traces differ: %s and %s", n, r.Trace, again.Trace)
					}
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d events, %d messages signed by honest nodes", lines.Load(), signed.Load())
}

func one(t *testing.T, seed uint64) {
	var out *os.File
	if testing.Verbose() {
		out = os.Stdout
	}
	s := RandomScenario(seed, *heights)
	r := Result{}
	if out != nil {
		r = Run(s, out)
	} else {
		r = Run(s, nil)
	}
	t.Logf("seed %d: trace %s, %d lines, %v", seed, r.Trace, r.Lines, r.Took)
	if r.Err != nil {
		t.Error(r.Err)
	}
}
