package nodes

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics is what a node told of itself at one moment, by name.
type Metrics map[string]*dto.MetricFamily

// Scrape asks a node for its metrics.
func (p *Process) Scrape(ctx context.Context) (Metrics, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the metrics of node %s: %w", p.Name, err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("the metrics of node %s: %w", p.Name, err)
	}
	return families, nil
}

// Sum adds up the counters or gauges of a name that have all of some labels, each
// as "name=value". The sum of a histogram is that of what was observed.
func (m Metrics) Sum(name string, labels ...string) (float64, error) {
	family := m[name]
	if family == nil {
		return 0, fmt.Errorf("a node has no metric %s", name)
	}
	sum := 0.0
	for _, metric := range family.Metric {
		if !labelled(metric, labels) {
			continue
		}
		switch {
		case metric.Counter != nil:
			sum += metric.Counter.GetValue()
		case metric.Gauge != nil:
			sum += metric.Gauge.GetValue()
		case metric.Histogram != nil:
			sum += metric.Histogram.GetSampleSum()
		}
	}
	return sum, nil
}

// labelled reports whether a metric has all labels.
func labelled(metric *dto.Metric, labels []string) bool {
	for _, want := range labels {
		if !slices.ContainsFunc(metric.Label, func(l *dto.LabelPair) bool { return l.GetName()+"="+l.GetValue() == want }) {
			return false
		}
	}
	return true
}
