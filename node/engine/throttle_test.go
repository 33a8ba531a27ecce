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
		{"a block whose records waited a little too long", 100_000, 20_000, 150 * ms, 33_333},
		{"one whose records waited far too long", 100_000, 20_000, 500 * ms, 20_000},
		{"a block larger than the limit", 8_000, 20_000, 200 * ms, 5_000},
		{"never below the least", 3_000, 10_000, 10_000 * ms, leastLimit},
		{"a small block says nothing by being slow", 50_000, muchWaits - 1, 10_000 * ms, 50_000},
		{"a quick one makes room", 8_000, 10, 5 * ms, 9_000},
		{"up to what the pool holds", pool.MaxRecords, 1, ms, pool.MaxRecords},
	} {
		if got := nextLimit(c.limit, c.records, c.took, 125*ms); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Under a steady overload the limit settles where records wait as long as they may,
// whatever the pace of the network, and though its nodes together let in twice as
// many as each would.
func TestLimitSettles(t *testing.T) {
	for _, perSecond := range []float64{40_000, 100_000, 400_000} {
		limit := pool.MaxRecords
		var sum, blocks time.Duration
		for i := range 400 {
			waiting := 2 * limit
			waited := time.Duration(float64(waiting) / perSecond * 1e9)
			if i >= 200 {
				sum, blocks = sum+waited, blocks+1
			}
			limit = nextLimit(limit, waiting, waited, waitPatience)
		}
		if mean := sum / blocks; mean < waitPatience*6/10 || mean > waitPatience*12/10 {
			t.Errorf("at %.0f a second a record waits %v, want about %v", perSecond, mean, waitPatience)
		}
	}
}

// block lets a height pass at which nothing happened for a while, and which was then
// under way; the block's records came so long before its end.
func (t *throttle) block(idle, underWay, waited time.Duration, records int, round uint32) int64 {
	t.begin()
	t.see(consensus.StepIdle)
	time.Sleep(idle)
	t.see(consensus.StepPropose)
	time.Sleep(underWay)
	t.see(consensus.StepPrecommit)
	t.arrival = types.TimeOf(time.Now().Add(-waited))
	t.committed(records, 0, round, 0)
	return t.limit.Load()
}

// What a rule waits for does not count, nor does a round that was lost, nor what
// records wait in any case; and nobody is refused between two blocks.
func TestThrottleWatchesHeightsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		const all, calm = pool.MaxRecords, 400 * time.Millisecond
		if got := th.block(time.Hour, calm, time.Hour, 3, 0); got != all {
			t.Errorf("%d after a block that a rule waited for", got)
		}
		if got := th.block(time.Hour, calm+waitPatience, time.Hour, 20_000, 0); got != all {
			t.Errorf("%d after a large one that a rule waited for", got)
		}
		if got := th.block(0, 2*time.Second, time.Second, 20_000, 1); got != all {
			t.Errorf("%d after a lost round", got)
		}
		if !th.underWay.Load() {
			t.Error("the height is not under way")
		}
		if got := th.block(0, calm, 2*(calm+waitPatience), 20_000, 0); got != 20_000 {
			t.Errorf("%d after a block whose records waited twice as long as they may", got)
		}
		for range 100 { // as when the blocks of a while before are decided in a breath
			th.block(time.Second, 0, 0, 3, 0)
		}
		for range 100 {
			th.block(time.Second, calm, calm, 3, 0)
		}
		if got := th.block(0, calm, calm+waitPatience/2, 20_000, 0); got != all {
			t.Errorf("%d where what records wait in any case was forgotten", got)
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
		synctest.Wait() // the next height has begun
		n.throttle.underWay.Store(true)
		n.throttle.limit.Store(leastLimit)
		if err := n.Busy(); err != nil {
			t.Errorf("with %d records that wait for another: %v", n.PoolSize().Records, err)
		}
		if n.throttle.refuses() {
			t.Error("nobody was refused, and it says so")
		}
		n.throttle.stuck.Store(0) // as if all could be in a block
		n.throttle.began.Store(time.Now().UnixNano())
		if err := n.Busy(); err != errOverload || !n.throttle.refuses() {
			t.Errorf("with %d records that could be in a block: %v", n.PoolSize().Records, err)
		}
		time.Sleep(standstill + 1)
		n.throttle.underWay.Store(true)
		if err := n.Busy(); err != errStill {
			t.Errorf("when no block comes: %v", err)
		}
	})
}
