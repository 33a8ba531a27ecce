package p2p

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// linkMetrics counts what passes over the links of one kind, to all peers.
type linkMetrics struct {
	messagesIn, messagesOut prometheus.Counter
	bytesIn, bytesOut       prometheus.Counter
	drops                   prometheus.Counter
	up                      prometheus.Gauge
}

func (m *linkMetrics) received(bytes int) {
	m.messagesIn.Inc()
	m.bytesIn.Add(float64(entryBytes + bytes))
}

func (m *linkMetrics) sent(bytes int) {
	m.messagesOut.Inc()
	m.bytesOut.Add(float64(entryBytes + bytes))
}

// register makes the mesh's metrics and registers them, if there is a registry.
func (m *Mesh) register() error {
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posnet_p2p_messages_total", Help: "Messages between validators, by link and direction."},
		[]string{"link", "direction"})
	bytes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posnet_p2p_bytes_total", Help: "Bytes of messages between validators, by link and direction."},
		[]string{"link", "direction"})
	drops := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posnet_p2p_drops_total", Help: "Messages that a link's full queue did not take, by link."},
		[]string{"link"})
	up := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "posnet_p2p_links", Help: "Links that are up, by link."},
		[]string{"link"})
	m.refusals = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "posnet_p2p_refusals_total", Help: "Connections to this node that became no link."})
	for _, kind := range linkKinds {
		name := kind.String()
		m.metrics[kind] = &linkMetrics{
			messagesIn: messages.WithLabelValues(name, "received"), messagesOut: messages.WithLabelValues(name, "sent"),
			bytesIn: bytes.WithLabelValues(name, "received"), bytesOut: bytes.WithLabelValues(name, "sent"),
			drops: drops.WithLabelValues(name), up: up.WithLabelValues(name),
		}
	}
	if m.config.Metrics == nil {
		return nil
	}
	var errs error
	for _, c := range []prometheus.Collector{messages, bytes, drops, up, m.refusals} {
		errs = errors.Join(errs, m.config.Metrics.Register(c))
	}
	return errs
}
