// Package trend tells whether a series grows, by a robust slope and its confidence
// interval.
package trend

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Slope is how fast a series grows, in its own unit for each of x.
type Slope struct {
	Value float64 `json:"slope"`
	Low   float64 `json:"low"` // the interval's ends
	High  float64 `json:"high"`
	// Level is the median of the series.
	Level float64 `json:"level"`
}

// MinPoints is how many points a slope takes: with fewer its interval would say
// nothing.
const MinPoints = 8

// maxCorrelation bounds how much alike neighbours are taken to be: beyond it a
// series holds so few independent points that no slope can be told.
const maxCorrelation = 0.95

// Of is the slope of Theil and Sen, the median of the slopes between all pairs of
// points, with Sen's interval (J. Am. Stat. Assoc. 63, 1968) at a confidence
// between 0 and 1: nothing is supposed of how the noise is distributed, and
// up to a quarter of the points may lie anywhere. Noise that lingers, as a sawtooth
// does, widens the interval by what the correlation of neighbours says (Yue and
// Wang, Water Resour. Manag. 18, 2004). The x must not all be equal.
func Of(x, y []float64, confidence float64) (Slope, error) {
	if len(x) != len(y) || len(x) < MinPoints {
		return Slope{}, errors.New("a slope takes eight points and more, each with x and y")
	}
	var slopes []float64
	for i := range x {
		for j := range i {
			if x[i] != x[j] {
				slopes = append(slopes, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	if len(slopes) == 0 {
		return Slope{}, errors.New("a slope takes points at more than one x")
	}
	slices.Sort(slopes)
	s := Slope{Value: median(slopes), Level: median(slices.Sorted(slices.Values(y)))}
	margin := distuv.UnitNormal.Quantile((1+confidence)/2) * math.Sqrt(variance(len(x))*inflation(x, y))
	n := float64(len(slopes))
	s.Low = slopes[int(math.Floor(max(0, (n-margin)/2)))]
	s.High = slopes[int(math.Ceil(min(n-1, (n+margin)/2)))]
	return s, nil
}

// variance is that of Kendall's score of n points without a slope.
func variance(n int) float64 {
	m := float64(n)
	return m * (m - 1) * (2*m + 5) / 18
}

// inflation is how much larger the variance is where what is left beside a smooth
// curve is correlated with itself. The curve is a parabola: where a series bends,
// the bend is no noise.
func inflation(x, y []float64) float64 {
	rest := besideParabola(x, y)
	n := len(rest)
	r := stat.Correlation(rest[:n-1], rest[1:], nil)
	if math.IsNaN(r) || r < 0 { // nothing is left, or what is left takes turns
		return 1
	}
	r = min(r, maxCorrelation)
	return (1 + r) / (1 - r)
}

// besideParabola is what is left of y when the parabola of least squares is taken
// away.
func besideParabola(x, y []float64) []float64 {
	n := len(x)
	middle, scale := stat.MeanStdDev(x, nil)
	powers := mat.NewDense(n, 3, nil)
	for i := range x {
		at := (x[i] - middle) / scale
		powers.SetRow(i, []float64{1, at, at * at})
	}
	var factors, curve mat.VecDense
	if err := factors.SolveVec(powers, mat.NewVecDense(n, y)); err != nil {
		return y // all x but one or two are equal: whatever bends is noise
	}
	curve.MulVec(powers, &factors)
	rest := make([]float64, n)
	for i := range rest {
		rest[i] = y[i] - curve.AtVec(i)
	}
	return rest
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
