package lottery

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// exactDraws is up to how many draws the Kolmogorov-Smirnov p-value is computed
// exactly; beyond, the asymptotic one is right to three digits.
const exactDraws = 100

// kolmogorovTail returns the chance that n uniform numbers lie at least as far
// from the uniform distribution.
func kolmogorovTail(n uint64, distance float64) float64 {
	scaled := float64(n) * distance * distance
	if scaled > 18 {
		return 2 * math.Exp(-2*scaled) // below 1e-15, and the exact way loses its digits
	}
	if n <= exactDraws {
		return clamp(1 - kolmogorovExact(int(n), distance))
	}
	// M. Stephens, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related
	// statistics without extensive tables", 1970.
	root := math.Sqrt(float64(n))
	return kolmogorovLimit(distance * (root + 0.12 + 0.11/root))
}

// UniformityBand returns how far the distribution of so many draws, one or more,
// stays from the uniform one everywhere, with the chance Confidence.
func UniformityBand(draws uint64) float64 {
	low, high := 0.0, 1.0
	for range 40 { // halvings: more digits than are seen
		if middle := (low + high) / 2; kolmogorovTail(draws, middle) > 1-Confidence {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// kolmogorovLimit is the tail of Kolmogorov's distribution.
func kolmogorovLimit(x float64) float64 {
	if x < 0.2 {
		return 1 // the series converges slowly there, to 1 - 1e-12
	}
	tail, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		term := math.Exp(-2 * k * k * x * x)
		tail += sign * term
		if term < 1e-16 {
			break
		}
		sign = -sign
	}
	return clamp(2 * tail)
}

// kolmogorovExact returns the chance that the distance of n uniform numbers is
// less than d, 0 < d (G. Marsaglia, W. Tsang, J. Wang, "Evaluating Kolmogorov's
// distribution", 2003): n!/n^n times the middle element of a matrix to the n.
func kolmogorovExact(n int, d float64) float64 {
	if d >= 1 {
		return 1
	}
	k := int(float64(n)*d) + 1
	h := float64(k) - float64(n)*d
	var power mat.Dense
	power.Pow(marsagliaMatrix(2*k-1, h), n)
	chance := power.At(k-1, k-1)
	for i := 1; i <= n; i++ {
		chance *= float64(i) / float64(n)
	}
	return chance
}

func marsagliaMatrix(size int, h float64) *mat.Dense {
	m := mat.NewDense(size, size, nil)
	for i := range size {
		for j := range min(i+2, size) {
			m.Set(i, j, 1)
		}
	}
	for i := range size {
		m.Set(i, 0, m.At(i, 0)-math.Pow(h, float64(i+1)))
		m.Set(size-1, i, m.At(size-1, i)-math.Pow(h, float64(size-i)))
	}
	if 2*h > 1 {
		m.Set(size-1, 0, m.At(size-1, 0)+math.Pow(2*h-1, float64(size)))
	}
	m.Apply(func(i, j int, v float64) float64 {
		return v / math.Gamma(float64(max(i-j+1, 0)+1))
	}, m)
	return m
}

func clamp(p float64) float64 { return min(max(p, 0), 1) }
