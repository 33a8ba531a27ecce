package engine

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		w := prepareNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.nodes[0].registry = registry
		for i := range w.nodes {
			w.start(i)
		}
		w.grow(3, 0, 1, 2, 3)
		w.stop(3)
		w.grow(20, 0, 1, 2)
		rounds := 0.0
		for height := uint64(1); height <= 23; height++ {
			_, cert, err := w.nodes[0].Block(t.Context(), height)
			if err != nil {
				t.Fatal(err)
			}
			rounds += float64(cert.Round)
		}
		if rounds == 0 {
			t.Error("no round was lost with a validator down")
		}
		want := map[string]float64{
			"posnet_blocks_committed_total": 23, "posnet_records_committed_total": 23, "posnet_rounds_lost_total": rounds, "posnet_height": 23,
			"posnet_peers": 2, "posnet_ready": 1, "posnet_pool_records": 0, "posnet_evidence": 0,
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			value := f.Metric[0].GetGauge().GetValue() + f.Metric[0].GetCounter().GetValue()
			if expected, ok := want[f.GetName()]; ok && value != expected {
				t.Errorf("%s is %v, want %v", f.GetName(), value, expected)
			}
			if h := f.Metric[0].GetHistogram(); f.GetName() == "posnet_commit_seconds" && h.GetSampleCount() != 23 {
				t.Errorf("%d commits were measured", h.GetSampleCount())
			}
			delete(want, f.GetName())
		}
		if len(want) > 0 {
			t.Errorf("not measured: %v", want)
		}
	})
}
