package main

import (
	"context"
	"testing"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/table"
)

// TestWholeBenchmark measures every kind of load for one second: not for the
// figures, but so that the loader goes on fitting the nodes, and its books
// their balances.
func TestWholeBenchmark(t *testing.T) {
	b, err := prepare(t.Context(), options{
		system: systemPosnet, rates: []int{200}, span: time.Second, batch: 3, window: 400, ceiling: 4000, kills: 1, tries: 1,
		manifest: "../../config/samples/bench.yaml", dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.killAfter, b.missed, b.rejoinRate = 300*time.Millisecond, 10, 200
	for _, j := range jobs {
		if j.name == "single" || j.name == "draw" {
			continue // the same load again, and three seconds of draws, whose parts TestDrawers has
		}
		rows, err := j.run(t.Context(), b)
		if err != nil {
			t.Fatalf("%s: %v", j.name, err)
		}
		for _, r := range table.Finished(rows) {
			t.Logf("%s: %s (%s)", r.What, table.Figure(r.Value, r.Unit), r.Details)
			if r.Name != j.name || r.Value <= 0 || r.Details == "" || r.Cores.Nodes <= 0 {
				t.Errorf("%s gives %+v", j.name, r)
			}
		}
	}
}

func TestDrawers(t *testing.T) {
	d := newDrawers(20)
	for h := uint64(1); h <= 50; h++ {
		if err := d.height(h); err != nil {
			t.Fatal(err)
		}
	}
	if r := d.audit.Report(); r.Draws != 50 {
		t.Errorf("the audit counts %d draws of 50", r.Draws)
	}
}

func TestBenchmarkStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := drawOnce(ctx); err == nil {
		t.Error("it draws on")
	}
}

func TestLateRunsDoNotCount(t *testing.T) {
	if (outcome{late: table.MaxLate + 1}).counts() || !(outcome{late: table.MaxLate}).counts() {
		t.Error("how late a run is decides nothing")
	}
	if (outcome{cores: machine.Cores{Foreign: machine.MaxForeign + 0.01}}).counts() {
		t.Error("a neighbour decides nothing")
	}
}
