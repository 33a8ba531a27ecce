package controllers

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/posnet/posnet/api/v1alpha1"
)

// The operator's own metrics, beside those of controller-runtime, which has one
// registry for the whole process.
var (
	networkLabels = []string{"namespace", "network"}

	heightGauge    = gauge("height", "Height of the newest committed block.")
	totalGauge     = gauge("stake_total", "Stake of all validators, in tokens.")
	onlineGauge    = gauge("stake_online", "Stake of the validators that are online, in tokens.")
	quorumGauge    = gauge("quorum", "1 while validators with more than two thirds of the stake are online, else 0.")
	countGauge     = gauge("validators", "Validators of the network.")
	answeringGauge = gauge("validators_online", "Validators that are online.")

	statusWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posnet_operator_status_writes_total", Help: "Writes of a network's status.",
	}, networkLabels)
	objectWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posnet_operator_object_writes_total", Help: "Writes of the objects that networks are made of.",
	}, []string{"verb", "kind"})

	registerOnce sync.Once
)

func gauge(name, help string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "posnet_network_" + name, Help: help}, networkLabels)
}

func networkGauges() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{heightGauge, totalGauge, onlineGauge, quorumGauge, countGauge, answeringGauge}
}

func registerMetrics() {
	registerOnce.Do(func() {
		for _, g := range networkGauges() {
			crmetrics.Registry.MustRegister(g)
		}
		crmetrics.Registry.MustRegister(statusWrites, objectWrites)
	})
}

// measure shows a network's status as metrics.
func measure(n *v1alpha1.PosNetwork) {
	s := &n.Status
	set := func(g *prometheus.GaugeVec, value int64) { g.WithLabelValues(n.Namespace, n.Name).Set(float64(value)) }
	set(heightGauge, s.Height)
	set(totalGauge, s.TotalStake)
	set(onlineGauge, s.OnlineStake)
	set(countGauge, int64(len(s.Validators)))
	var online, quorum int64
	for _, v := range s.Validators {
		if v.Online {
			online++
		}
	}
	if s.TotalStake > 0 && 3*s.OnlineStake > 2*s.TotalStake {
		quorum = 1
	}
	set(answeringGauge, online)
	set(quorumGauge, quorum)
}

// unmeasure drops the metrics of a network that is gone.
func unmeasure(namespace, name string) {
	for _, g := range networkGauges() {
		g.DeleteLabelValues(namespace, name)
	}
	statusWrites.DeleteLabelValues(namespace, name)
}
