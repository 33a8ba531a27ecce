package lottery

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func TestKolmogorov(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		d, p float64
	}{
		{10, 0.274, 1 - 0.6284796154565}, // Marsaglia, Tsang and Wang, 2003
		{1, 0.75, 0.5},                   // 1 - (2d-1)
		{1, 0.95, 0.1},
		{2, 0.4, 1 - 2*0.3*0.3}, // 1 - 2(2d-1/2)^2 up to d = 1/2
		{2, 0.7, 2 * 0.3 * 0.3}, // 2(1-d)^2 beyond
		{5, 1, 0},
		{20, 0.29408, 0.05}, // the tables' critical values
		{50, 0.22604, 0.01},
		{100, 0.13403, 0.05},
	} {
		within(t, fmt.Sprintf("tail of n=%d d=%v", c.n, c.d), kolmogorovTail(c.n, c.d), c.p, 2e-5)
	}
	within(t, "limit at 1.3581", kolmogorovLimit(1.3581), 0.05, 1e-5)
	within(t, "limit at 1.6276", kolmogorovLimit(1.6276), 0.01, 1e-5)
	within(t, "limit at 0.2", kolmogorovLimit(0.2), 1, 1e-9)
}

func TestKolmogorovIsSmooth(t *testing.T) {
	for d := 0.005; d < 1; d += 0.001 {
		exact, beyond := kolmogorovTail(exactDraws, d), kolmogorovTail(exactDraws+1, d)
		if math.Abs(exact-beyond) > 0.008 {
			t.Errorf("d=%v: p jumps from %v to %v where the asymptotic one takes over", d, exact, beyond)
		}
		for _, n := range []uint64{1, 3, 30, exactDraws, exactDraws + 1, 1e6} {
			p, next := kolmogorovTail(n, d), kolmogorovTail(n, d+0.001)
			if !(p >= 0 && p <= 1 && next <= p+1e-9) {
				t.Errorf("n=%d: p is %v at %v and %v after it", n, p, d, next)
			}
		}
	}
}

func TestPositionsMatchSortedValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, oneBelowOne), 1, 300).Draw(t, "values")
		p := newPositions()
		for _, x := range values {
			p.add(x)
		}
		exact, binned := distance(values), p.uniformity().Statistic
		if binned > exact+1e-12 || binned < exact-1.0/positionBins-1e-12 {
			t.Fatalf("distance %v, from the values %v", binned, exact)
		}

		product := 0.0
		for i := 1; i < len(values); i++ {
			product += (values[i] - 0.5) * (values[i-1] - 0.5)
		}
		if len(values) > 1 {
			want := 12 * product / float64(len(values)-1)
			if got := p.serial().Statistic; math.Abs(got-want) > 1e-9 {
				t.Fatalf("correlation %v, want %v", got, want)
			}
		}
	})
}

func TestPositionsWithNothingToJudge(t *testing.T) {
	p := newPositions()
	if p.uniformity() != (Test{PValue: 1}) || p.serial() != (Test{PValue: 1}) {
		t.Error("no positions were judged")
	}
	p.add(0.5)
	if p.serial() != (Test{PValue: 1}) {
		t.Error("one position was correlated")
	}
}

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		observed, trials uint64
		low, high        float64 // of the share, at 95 %, from tables
	}{
		{0, 10, 0, 0.3085},
		{3, 10, 0.0667, 0.6525},
		{10, 10, 0.6915, 1},
		{1, 100, 0.0003, 0.0545},
		{50, 100, 0.3983, 0.6017},
		{0, 0, 0, 0},
	} {
		low, high := clopperPearson(c.observed, c.trials, 0.95)
		n := float64(c.trials)
		within(t, fmt.Sprintf("low of %d in %d", c.observed, c.trials), low, c.low*n, 6e-5*n)
		within(t, fmt.Sprintf("high of %d in %d", c.observed, c.trials), high, c.high*n, 6e-5*n)
	}
}

// TestClopperPearsonBounds checks the definition: at either end, the observed
// number or one beyond it has exactly half of what Confidence leaves.
func TestClopperPearsonBounds(t *testing.T) {
	tail := (1 - Confidence) / 2
	for _, trials := range []uint64{1, 7, 100, 10_000, 1_000_000, 100_000_000} {
		for _, share := range []float64{0, 1e-7, 0.001, 0.01, 0.25, 0.5, 0.99, 1} {
			n, observed := float64(trials), uint64(math.Round(share*float64(trials)))
			k := float64(observed)
			low, high := clopperPearson(observed, trials, Confidence)
			if low > k || high < k {
				t.Errorf("%d of %d: interval %v to %v", observed, trials, low, high)
			}
			if observed > 0 {
				within(t, fmt.Sprintf("upper tail of %d in %d", observed, trials), mathext.RegIncBeta(k, n-k+1, low/n), tail, 1e-6)
			}
			if observed < trials {
				within(t, fmt.Sprintf("lower tail of %d in %d", observed, trials), 1-mathext.RegIncBeta(k+1, n-k, high/n), tail, 1e-6)
			}
		}
	}
}

// TestClopperPearsonCovers adds up the chance that the interval holds the true
// mean, over all outcomes: never less than promised, and for draws of changing
// chances neither.
func TestClopperPearsonCovers(t *testing.T) {
	const trials = 30
	for share := 0.02; share < 1; share += 0.01 {
		same := distuv.Binomial{N: trials, P: share}
		differing := poissonBinomial(trials, share)
		var covered, coveredDiffering float64
		for k := range trials + 1 {
			low, high := clopperPearson(uint64(k), trials, Confidence)
			if low <= trials*share && trials*share <= high {
				covered += same.Prob(float64(k))
				coveredDiffering += differing[k]
			}
		}
		if covered < Confidence-1e-9 || coveredDiffering < Confidence-1e-9 {
			t.Errorf("share %.2f: covered with chance %v, with differing shares %v", share, covered, coveredDiffering)
		}
	}
}

// poissonBinomial returns the distribution of a sum whose chances are as far
// from share, above and below in turn, as they can be.
func poissonBinomial(trials int, share float64) []float64 {
	dist := make([]float64, trials+1)
	dist[0] = 1
	for i := range trials {
		p := share + min(share, 1-share)*float64(1-2*(i%2))
		for k := i + 1; k > 0; k-- {
			dist[k] = dist[k]*(1-p) + dist[k-1]*p
		}
		dist[0] *= 1 - p
	}
	return dist
}
