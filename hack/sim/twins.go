package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/posnet/posnet/node/sim"
)

// maxTwinsRounds is how many rounds can be played in a night: each round makes
// forty times as many scenarios.
const maxTwinsRounds = 4

// playTwins plays every Twins scenario with one pair, of one round, two, and so
// on.
func playTwins(ctx context.Context, out io.Writer, rounds int) error {
	for r := 1; r <= rounds; r++ {
		played, err := playTwinsOf(ctx, out, r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "no finding in all %d scenarios of %d rounds\n", played, r)
	}
	return nil
}

// playTwinsOf plays those of so many rounds, shard by shard.
func playTwinsOf(ctx context.Context, out io.Writer, rounds int) (int64, error) {
	shards := sim.TwinsShards(1)
	p := newProgress(out, "shards", uint64(shards))
	var next, done, played atomic.Int64
	var finding atomic.Pointer[error]
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for shard := int(next.Add(1)) - 1; shard < shards; shard = int(next.Add(1)) - 1 {
				sim.AllTwins(1, rounds, shard, func(c sim.TwinsCase) (int, bool) {
					r, begun := c.Play(nil)
					p.set(uint64(done.Load()), fmt.Sprintf("%d scenarios", played.Add(1)))
					if r.Err != nil {
						err := fmt.Errorf("FINDING at %v: %w", c, r.Err)
						finding.CompareAndSwap(nil, &err)
					}
					return begun, finding.Load() == nil && ctx.Err() == nil
				})
				done.Add(1)
			}
		})
	}
	workers.Wait()
	p.end()
	if err := finding.Load(); err != nil {
		return played.Load(), *err
	}
	if ctx.Err() != nil {
		return played.Load(), errors.New("interrupted")
	}
	return played.Load(), nil
}
