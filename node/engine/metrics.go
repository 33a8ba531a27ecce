package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/types"
)

// metrics is what the engine tells Prometheus.
type metrics struct {
	blocks   prometheus.Counter
	records  prometheus.Counter
	dropped  prometheus.Counter
	rejected prometheus.Counter
	rounds   prometheus.Counter
	// snapshots counts how often the node went on from one.
	snapshots prometheus.Counter
	commit    prometheus.Histogram
	interval  prometheus.Histogram
	last      time.Time
}

func newMetrics(r prometheus.Registerer, e *Engine) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "posnet", Name: name, Help: help})
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "posnet", Name: name, Help: help}, f)
	}
	m := &metrics{
		blocks:    counter("blocks_committed_total", "Blocks committed by this process."),
		records:   counter("records_committed_total", "Records in the blocks committed by this process."),
		dropped:   counter("records_dropped_total", "Records dropped from the pool because they could not be in a block."),
		rejected:  counter("messages_rejected_total", "Messages of peers that were not sound."),
		snapshots: counter("snapshots_installed_total", "Snapshots of the state from which this process went on."),
		rounds:    counter("rounds_lost_total", "Rounds that ended without a block, at the heights committed by this process."),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "posnet", Name: "commit_seconds", Help: "Time to apply a decided block and write it to disk.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
		interval: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "posnet", Name: "block_interval_seconds", Help: "Time from one commit to the next.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18),
		}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.blocks, m.records, m.dropped, m.rejected, m.rounds, m.snapshots, m.commit, m.interval,
		gauge("height", "Height of the newest committed block.", func() float64 { return float64(e.Head()) }),
		gauge("oldest_block", "Height of the oldest block that is kept.", func() float64 { return float64(e.Oldest()) }),
		gauge("pool_records", "Records that wait for a block.", func() float64 { return float64(e.pool.Stats().Size) }),
		gauge("pool_bytes", "Encoded bytes of the records that wait for a block.", func() float64 { return float64(e.pool.Stats().Bytes) }),
		gauge("pool_limit", "Records that may wait while a block is agreed on before clients are refused.", func() float64 { return float64(e.throttle.limit.Load()) }),
		gauge("round", "Round of the height under way.", func() float64 { return float64(e.view.Load().Round) }),
		gauge("peers", "Validators this node is linked with.", func() float64 { return float64(len(e.linked())) }),
		gauge("evidence", "Pairs of contradicting votes kept.", func() float64 { return float64(e.evidence.count()) }),
		gauge("ready", "1 while the node is caught up with its peers.", func() float64 {
			if e.Ready() == nil {
				return 1
			}
			return 0
		}))
	return m
}

// committed counts a block and the time it took to write.
func (m *metrics) committed(b *types.Block, cert *types.Certificate, took time.Duration) {
	m.blocks.Inc()
	m.records.Add(float64(len(b.Records)))
	m.rounds.Add(float64(cert.Round))
	m.commit.Observe(took.Seconds())
	now := time.Now()
	if !m.last.IsZero() {
		m.interval.Observe(now.Sub(m.last).Seconds())
	}
	m.last = now
}
