package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/posnet/posnet/node/sim"
)

// replayEvery: every so many seeds are played a second time, and must give the
// same trace to the byte.
const replayEvery = 50

// playSeeds plays one seed after the other until there were enough heights.
func (o options) playSeeds(ctx context.Context, out io.Writer) error {
	p := newProgress(out, "heights", o.heights)
	run := &campaign{options: o, progress: p, next: o.first}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed, ok := run.take(ctx); ok; seed, ok = run.take(ctx) {
				run.play(seed)
			}
		})
	}
	workers.Wait()
	p.end()
	if run.finding != nil {
		return fmt.Errorf("%w\nit took %d heights of %d seeds from %d on, and %v", run.finding, run.counts.Heights, run.next-o.first, o.first, p.took())
	}
	fmt.Fprintf(out, "no finding in %d heights of %d seeds from %d on, in %v\n%v\n", run.counts.Heights, run.next-o.first, o.first, p.took(), run.counts)
	return nil
}

// campaign is what the workers share.
type campaign struct {
	options
	progress *progress

	mu      sync.Mutex
	next    uint64
	counts  sim.Counts
	finding error
}

// take returns the next seed, or false when there is nothing more to play.
func (c *campaign) take(ctx context.Context) (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || c.finding != nil || c.heights > 0 && uint64(c.counts.Heights) >= c.heights {
		return 0, false
	}
	c.next++
	return c.next - 1, true
}

func (c *campaign) play(seed uint64) {
	r := sim.Run(sim.RandomScenario(seed, c.each), nil)
	err := r.Err
	if err == nil && seed%replayEvery == 0 {
		if again := sim.Run(sim.RandomScenario(seed, c.each), nil); again.Trace != r.Trace {
			err = fmt.Errorf("played twice, the traces differ: %s and %s", r.Trace, again.Trace)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Add(r.Counts)
	c.progress.set(uint64(c.counts.Heights), fmt.Sprintf("seed %d", c.next-1))
	if err != nil && c.finding == nil {
		c.finding = fmt.Errorf("FINDING at seed %d: %w\n%v\nreplay: go run ./hack/sim -seed %d -each %d -trace", seed, err, sim.RandomScenario(seed, c.each), seed, c.each)
	}
}
