package engine

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// refuseNow makes a node one that refused a client just now.
func (t *throttle) refuseNow() { t.refused.Store(time.Now().UnixNano()) }

// While clients are refused, records that wait for others are refused, too, one by
// one and in frames; what is refused counts for nothing that comes after it.
func TestRecordsOutOfTurnAreRefusedUnderOverload(t *testing.T) {
	type record struct {
		from  string
		nonce uint64
	}
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, when(never))
		n := w.nodes[0]
		n.throttle.refuseNow()
		fates := []<-chan error{}
		frames := []struct {
			records []record
			want    error
		}{
			{[]record{{"a", 1}}, errBehind},
			{[]record{{"b", 0}, {"a", 2}}, errBehind},
			{[]record{{"b", 1}}, errBehind},
			{[]record{{"a", 0}, {"a", 1}, {"c", 0}}, nil},
			{[]record{{"a", 2}, {"c", 1}, {"b", 0}}, nil},
			{[]record{{"a", 4}}, errBehind},
			{[]record{{"a", 3}}, nil},
			{[]record{{"a", 4}}, nil},
			{[]record{{"b", 1}, {"b", 3}}, errBehind},
			{[]record{{"b", 2}, {"b", 1}}, errBehind}, // within a frame order counts, too
		}
		for _, f := range frames {
			records := make([]*types.Record, len(f.records))
			for i, r := range f.records {
				records[i] = w.transfer(r.from, open(t, 1), 1, r.nonce)
			}
			fate, err := n.Submit(records)
			if err != nil {
				t.Fatal(err)
			}
			fates = append(fates, fate)
		}
		for i, fate := range fates {
			if err := <-fate; err != frames[i].want {
				t.Errorf("frame %d, %v: %v, want %v", i, frames[i].records, err, frames[i].want)
			}
		}
		quiet(time.Millisecond)
		if size, waiting := n.PoolSize().Records, n.intake.waiting(); size != 8 || waiting != 0 {
			t.Errorf("%d records are in the pool and %d on their way, want 8 and 0", size, waiting)
		}
	})
}

// Without an overload, and from peers, records that wait for others are welcome.
func TestRecordsOutOfTurnAreWelcomeOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1, 1}, when(never))
		w.nodes[1].throttle.refuseNow()
		if err := w.nodes[0].Merge(t.Context(), []*types.Record{w.transfer("a", open(t, 1), 1, 7)}); err != nil {
			t.Errorf("where nobody was refused: %v", err)
		}
		quiet(10 * latency)
		if w.nodes[1].PoolSize().Records != 1 {
			t.Error("what a peer told of is not there")
		}
		time.Sleep(refusalEcho)
		if err := w.nodes[1].Merge(t.Context(), []*types.Record{w.transfer("a", open(t, 1), 1, 9)}); err != nil {
			t.Errorf("when the overload is over: %v", err)
		}
	})
}
