package engine

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/pool"
)

func TestNextLimit(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name           string
		limit, records int
		took           time.Duration
		want           int
	}{
		{"a large block that took too long", 100_000, 20_000, 500 * ms, 5_000},
		{"never more than before", 5_000, 20_000, 250 * ms, 5_000},
		{"never below the least", 100_000, 10_000, 10_000 * ms, leastLimit},
		{"a small block says nothing by being slow", 50_000, leastLimit - 1, 10_000 * ms, 50_000},
		{"a quick one makes room", 8_000, 10, 5 * ms, 9_000},
		{"up to what the pool holds", pool.MaxRecords, 1, ms, pool.MaxRecords},
	} {
		if got := nextLimit(c.limit, c.records, c.took, 125*ms); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Under a steady overload the limit settles where a block takes what it should,
// whatever the pace of the network.
func TestLimitSettles(t *testing.T) {
	for _, perSecond := range []float64{40_000, 100_000, 400_000} {
		limit := pool.MaxRecords
		for range 200 {
			records := min(limit, 20_000)
			limit = nextLimit(limit, records, time.Duration(float64(records)/perSecond*1e9), blockPatience)
		}
		want := min(pool.MaxRecords, int(perSecond*blockPatience.Seconds()))
		if want >= 20_000 {
			want = pool.MaxRecords // the largest blocks are quick enough
		}
		if limit < want*85/100 || limit > want*115/100 {
			t.Errorf("at %.0f a second: %d, want about %d", perSecond, limit, want)
		}
	}
}

// What a rule waits for does not count, nor does a round that was lost, and nobody
// is refused meanwhile.
func TestThrottleWatchesHeightsUnderWay(t *testing.T) {
	th := newThrottle()
	th.see(consensus.StepIdle)
	th.committed(20_000, 0, 0)
	if got := th.limit.Load(); got != pool.MaxRecords {
		t.Errorf("the limit is %d after a height that was never under way", got)
	}
	th.see(consensus.StepPropose)
	if !th.underWay.Load() {
		t.Error("the height is not under way")
	}
	th.committed(20_000, 1, 0)
	if got := th.limit.Load(); got != pool.MaxRecords {
		t.Errorf("the limit is %d after a lost round", got)
	}
	th.committed(20_000, 0, 0)
	if got := th.limit.Load(); got != leastLimit {
		t.Errorf("the limit is %d after a block that took too long", got)
	}
	th.begin()
	if th.underWay.Load() {
		t.Error("the next height is under way")
	}
}
