package lottery

import "math"

// positionBins is how finely positions are counted: the statistic of
// Kolmogorov and Smirnov comes out too small by at most 1/65536, always in the
// lottery's favor, which is nothing beside its own spread until there are
// hundreds of millions of draws; the counts need a quarter of a megabyte.
const positionBins = 1 << 16

// positions counts where in the total the numbers fell, and how each depends on
// the one before.
type positions struct {
	bins    []uint32
	count   uint64
	product float64 // sum of deviation times deviation before
	before  float64 // the newest deviation from the mean, 1/2
}

func newPositions() positions { return positions{bins: make([]uint32, positionBins)} }

func (p *positions) add(x float64) {
	p.bins[int(x*positionBins)]++
	deviation := x - 0.5
	if p.count > 0 {
		p.product += deviation * p.before
	}
	p.before = deviation
	p.count++
}

// below returns, for each i from 0 to points, how large a part of the positions
// was below i/points. points is a power of two, and at most positionBins.
func (p *positions) below(points int) []float64 {
	out := make([]float64, points+1)
	var sum uint64
	for i, hits := range p.bins {
		sum += uint64(hits)
		if each := positionBins / points; (i+1)%each == 0 {
			out[(i+1)/each] = float64(sum) / float64(max(p.count, 1))
		}
	}
	return out
}

// uniformity is the test of Kolmogorov and Smirnov: the greatest distance of
// the distribution from the uniform one.
func (p *positions) uniformity() Test {
	if p.count == 0 {
		return Test{PValue: 1}
	}
	n := float64(p.count)
	var below uint64
	distance := 0.0
	for i, hits := range p.bins {
		below += uint64(hits)
		distance = max(distance, math.Abs(float64(below)/n-float64(i+1)/positionBins))
	}
	return Test{Statistic: distance, PValue: kolmogorovTail(p.count, distance)}
}

// serial tests the correlation of each position with the next. Mean and
// variance of uniform positions are known, so the coefficient has mean 0 and
// variance 1/pairs, and is about normal from a few dozen pairs on.
func (p *positions) serial() Test {
	if p.count < 2 {
		return Test{PValue: 1}
	}
	pairs := float64(p.count - 1)
	r := 12 * p.product / pairs
	return Test{Statistic: r, PValue: math.Erfc(math.Abs(r) * math.Sqrt(pairs/2))}
}
