package rpc

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/posnet/posnet/node/rpc/message"
)

// metrics counts what the server does.
type metrics struct {
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	connections prometheus.Gauge
	refused     prometheus.Counter
	slow        prometheus.Counter

	// The usual merge, looked up once: it comes thousands of times a second.
	accepted     prometheus.Counter
	mergeSeconds prometheus.Observer
}

// newMetrics registers the metrics; without a registerer they count for nobody.
func newMetrics(r prometheus.Registerer) *metrics {
	make := promauto.With(r)
	m := &metrics{
		requests: make.NewCounterVec(prometheus.CounterOpts{
			Name: "posnet_api_requests_total", Help: "Requests answered, by operation and status.",
		}, []string{"op", "status"}),
		seconds: make.NewHistogramVec(prometheus.HistogramOpts{
			Name: "posnet_api_request_seconds", Help: "Time from a request's arrival to its answer, by operation.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 4, 9), // 50 µs to 3.3 s
		}, []string{"op"}),
		connections: make.NewGauge(prometheus.GaugeOpts{
			Name: "posnet_api_connections", Help: "Websockets that are open.",
		}),
		refused: make.NewCounter(prometheus.CounterOpts{
			Name: "posnet_api_refused_connections_total", Help: "Websockets refused because there were too many.",
		}),
		slow: make.NewCounter(prometheus.CounterOpts{
			Name: "posnet_api_slow_readers_total", Help: "Connections dropped because they read too slowly.",
		}),
	}
	m.accepted = m.requests.WithLabelValues(string(message.OpMerge), strconv.Itoa(message.StatusAccepted))
	m.mergeSeconds = m.seconds.WithLabelValues(string(message.OpMerge))
	return m
}

// request counts one answered request.
func (m *metrics) request(op string, status int, began time.Time) {
	took := time.Since(began).Seconds()
	if op == string(message.OpMerge) && status == message.StatusAccepted {
		m.accepted.Inc()
		m.mergeSeconds.Observe(took)
		return
	}
	m.requests.WithLabelValues(op, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(op).Observe(took)
}
