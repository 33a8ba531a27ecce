package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// The intake has room for so many records; a client beyond that is told at
// once, a peer's gossip waits a moment.
func TestIntakeIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{1}, nil)
		n := w.nodes[0]
		if err := n.make(); err != nil {
			t.Fatal(err)
		}
		defer func() { n.Engine = nil }()
		in := n.intake // nobody takes anything out
		record := testRecord("a")
		frame := func(records int) queued {
			f := queued{records: make([]*types.Record, records), done: func([]types.VerifiedRecord, []error) []*types.Record { return nil }}
			for i := range f.records {
				f.records[i] = record
			}
			return f
		}
		for range maxQueued / 1000 {
			if err := in.submit(frame(1000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := in.submit(frame(1)); err != errBusy {
			t.Errorf("one record more: %v", err)
		}
		if !in.holds(record.ID()) {
			t.Error("a record on its way is not known")
		}
		began := time.Now()
		in.wait(frame(1))
		if took := time.Since(began); took != gossipPatience {
			t.Errorf("gossip waited %v", took)
		}
		go func() { time.Sleep(gossipPatience / 2); in.check(in.more(<-in.queue)) }()
		began = time.Now()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { in.wait(frame(10)) })
		}
		both.Wait()
		if took := time.Since(began); took != gossipPatience/2 {
			t.Errorf("gossip waited %v for room", took)
		}
		n.cancel()
		began = time.Now()
		in.wait(frame(maxQueued))
		if time.Since(began) != 0 {
			t.Error("gossip waits for a node that stops")
		}
	})
}

// A frame that is larger than all the room goes through an empty intake.
func TestIntakeTakesOneLargeFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, when(never))
		in := w.nodes[0].intake
		record := testRecord("a")
		f := queued{records: make([]*types.Record, maxQueued+1), done: func([]types.VerifiedRecord, []error) []*types.Record { return nil }}
		for i := range f.records {
			f.records[i] = record
		}
		w.nodes[0].pool.Add(types.VouchRecord(record), 1) // spares a hundred thousand signatures
		if err := in.submit(f); err != nil {
			t.Error(err)
		}
		quiet(time.Second)
		if in.holds(record.ID()) || in.records != 0 {
			t.Errorf("%d records are left", in.records)
		}
	})
}

// A pool does not keep large frames alive for single records.
func TestDetached(t *testing.T) {
	frame := types.EncodeRecords([]*types.Record{testRecord("a"), testRecord("b"), testRecord("c"), testRecord("d"), testRecord("e")})
	records, err := types.DecodeRecords(frame)
	if err != nil {
		t.Fatal(err)
	}
	if all := detached(records, len(frame)); all[0] != records[0] {
		t.Error("a whole frame was copied")
	}
	one := detached(records[2:3], len(frame))
	if len(one) != 1 || one[0].ID() != records[2].ID() || &one[0].Raw()[0] == &records[2].Raw()[0] {
		t.Error("one record of five still shares the memory of all")
	}
}
