package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/types"
)

func TestNextLimit(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name           string
		limit, records int
		took           time.Duration
		want           int
	}{
		{"a large block that took a little too long", 100_000, 20_000, 150 * ms, 33_333},
		{"one that took far too long", 100_000, 20_000, 500 * ms, 20_000},
		{"a block larger than the limit", 8_000, 20_000, 200 * ms, 5_000},
		{"never below the least", 3_000, 10_000, 10_000 * ms, leastLimit},
		{"a small block says nothing by being slow", 50_000, largeBlock - 1, 10_000 * ms, 50_000},
		{"a quick one makes room", 8_000, 10, 5 * ms, 9_000},
		{"up to what the pool holds", pool.MaxRecords, 1, ms, pool.MaxRecords},
	} {
		if got := nextLimit(c.limit, c.records, c.took, 125*ms); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Under a steady overload the limit settles where a block takes what it should,
// whatever the pace of the network, and though its nodes together let in twice as
// many as each would.
func TestLimitSettles(t *testing.T) {
	for _, perSecond := range []float64{40_000, 100_000, 400_000} {
		limit := pool.MaxRecords
		var sum, blocks time.Duration
		for i := range 400 {
			records := min(2*limit, 20_000)
			took := time.Duration(float64(records) / perSecond * 1e9)
			if i >= 200 {
				sum, blocks = sum+took, blocks+1
			}
			limit = nextLimit(limit, records, took, blockPatience)
		}
		least := time.Duration(20_000 / perSecond * 1e9) // the largest blocks are that quick
		if mean, want := sum/blocks, min(blockPatience, least); mean < want*6/10 || mean > want*12/10 {
			t.Errorf("at %.0f a second a block takes %v, want about %v", perSecond, mean, want)
		}
	}
}

// block lets a height pass at which nothing happened for a while, and which was then
// under way.
func (t *throttle) block(idle, underWay time.Duration, records int, round uint32) int64 {
	t.begin()
	t.see(consensus.StepIdle)
	time.Sleep(idle)
	t.see(consensus.StepPropose)
	time.Sleep(underWay)
	t.see(consensus.StepPrecommit)
	t.committed(records, round, 0)
	return t.limit.Load()
}

// What a rule waits for does not count, nor does a round that was lost, nor what
// every block takes; and nobody is refused between two blocks.
func TestThrottleWatchesHeightsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		const all = pool.MaxRecords
		if got := th.block(time.Hour, 400*time.Millisecond, 3, 0); got != all {
			t.Errorf("%d after a block that a rule waited for", got)
		}
		if got := th.block(0, 400*time.Millisecond+blockPatience, 20_000, 0); got != all {
			t.Errorf("%d after a block that took as long as all do", got)
		}
		if got := th.block(0, 2*time.Second, 20_000, 1); got != all {
			t.Errorf("%d after a lost round", got)
		}
		if !th.underWay.Load() {
			t.Error("the height is not under way")
		}
		if got := th.block(0, 2*(400*time.Millisecond+blockPatience), 20_000, 0); got != 20_000 {
			t.Errorf("%d after a block that took twice what it should", got)
		}
		for range 100 { // as when the blocks of a while before are decided in a breath
			th.block(0, 0, 3, 0)
		}
		for range 100 {
			th.block(0, 400*time.Millisecond, 3, 0)
		}
		if got := th.block(0, 400*time.Millisecond+blockPatience/2, 20_000, 0); got != all {
			t.Errorf("%d where the time of small blocks was forgotten", got)
		}
		if th.begin(); th.underWay.Load() {
			t.Error("the next height is under way")
		}
	})
}

// Records that wait for others of their signer take nobody's place.
func TestStuckRecordsKeepNobodyOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{100}, nil)
		n := w.nodes[0]
		w.mint(0, types.KeyedAccount(seed("sender").Public()), 10)
		for nonce := uint64(1); nonce <= leastLimit+1; nonce++ { // none with 0
			r := w.transfer("sender", open(t, 1), 1, nonce)
			if err := n.Merge(t.Context(), []*types.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
		quiet(2 * stuckAfter)
		w.grow(1, 0)
		n.throttle.underWay.Store(true)
		n.throttle.limit.Store(leastLimit)
		if err := n.Busy(); err != nil {
			t.Errorf("with %d records that wait for another: %v", n.PoolSize().Records, err)
		}
	})
}
