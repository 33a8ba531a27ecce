package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/posnet/posnet/hack/soak/trend"
)

// confidence is that of the intervals: of some twenty series that are all flat, one
// run in a hundred finds one that grows.
const confidence = 0.999

// series is something that must stay flat.
type series struct {
	name string
	unit string
	of   func(usage) float64
	// What an hour may add though the interval says that it grows: a share of the
	// level, or an amount if that is more.
	share, amount float64
}

var flat = []series{
	{"memory", "MiB", func(u usage) float64 { return u.Memory / mebibyte }, 0.05, 2},
	{"heap", "MiB", func(u usage) float64 { return u.Heap / mebibyte }, 0.05, 1},
	{"goroutines", "", func(u usage) float64 { return u.Goroutines }, 0.02, 1},
	{"files", "", func(u usage) float64 { return u.Files }, 0.02, 1},
}

const (
	mebibyte = 1 << 20
	// diskShare is how much more a record may take on disk in the second half of a
	// run than in the first: what is written over is removed in gusts.
	diskShare = 0.10
)

// growth is the verdict on a series of a node.
type growth struct {
	Series  string      `json:"series"`
	Unit    string      `json:"unit,omitempty"`
	Node    string      `json:"node"`
	Level   float64     `json:"level"`   // the median of the second half
	PerHour trend.Slope `json:"perHour"` // in the second half
	Allowed float64     `json:"allowed"` // per hour
	Leaks   bool        `json:"leaks"`
}

// disk is the verdict on what a record takes on a node's disk, in bytes.
type disk struct {
	Node   string      `json:"node"`
	First  trend.Slope `json:"first"`  // bytes a record in the first half
	Second trend.Slope `json:"second"` // and in the second
	Leaks  bool        `json:"leaks"`
}

// judge judges a node's series by the second half of the samples.
func (s series) judge(samples []sample, node int, name string) (growth, error) {
	late := samples[len(samples)/2:]
	var x, y []float64
	for _, at := range late {
		x = append(x, at.Seconds/time.Hour.Seconds())
		y = append(y, s.of(at.Nodes[node]))
	}
	slope, err := trend.Of(x, y, confidence)
	if err != nil {
		return growth{}, fmt.Errorf("%s of node %s: %w", s.name, name, err)
	}
	g := growth{Series: s.name, Unit: s.unit, Node: name, Level: slope.Level, PerHour: slope, Allowed: max(s.amount, s.share*slope.Level)}
	g.Leaks = slope.Low > 0 && slope.Value > g.Allowed
	return g, nil
}

// judgeDisk holds what a record takes in the second half beside the first.
func judgeDisk(samples []sample, node int, name string) (disk, error) {
	half := len(samples) / 2
	first, err := perRecord(samples[:half], node)
	if err != nil {
		return disk{}, fmt.Errorf("disk of node %s: %w", name, err)
	}
	second, err := perRecord(samples[half:], node)
	if err != nil {
		return disk{}, fmt.Errorf("disk of node %s: %w", name, err)
	}
	return disk{name, first, second, second.Low > first.High && second.Value > (1+diskShare)*first.Value}, nil
}

func perRecord(samples []sample, node int) (trend.Slope, error) {
	var x, y []float64
	for _, at := range samples {
		x = append(x, float64(at.Records))
		y = append(y, at.Nodes[node].Disk)
	}
	return trend.Of(x, y, confidence)
}

// worst is the node's whose series grows the most, by how much is allowed; one that
// leaks goes before one that does not.
func worst(all []growth, name string) growth {
	var own []growth
	for _, g := range all {
		if g.Series == name {
			own = append(own, g)
		}
	}
	return slices.MaxFunc(own, func(a, b growth) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.PerHour.Value/a.Allowed, b.PerHour.Value/b.Allowed))
	})
}

func (g growth) rank() int {
	if g.Leaks {
		return 1
	}
	return 0
}
