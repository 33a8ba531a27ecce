package trend

import (
	"math"
	"math/rand/v2"
	"testing"
)

// series makes n points of a straight line with noise on it.
func series(n int, slope float64, noise func(i int) float64) (x, y []float64) {
	for i := range n {
		x = append(x, float64(i))
		y = append(y, 1000+slope*float64(i)+noise(i))
	}
	return x, y
}

func TestSlope(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	white := func(int) float64 { return 20 * random.NormFloat64() }
	sawtooth := func(i int) float64 { return float64(i%20) * 5 }
	drift := 0.0
	lingering := func(int) float64 { drift = 0.8*drift + 10*random.NormFloat64(); return drift }
	outliers := func(i int) float64 {
		if i%9 == 0 {
			return 5000
		}
		return white(i)
	}
	steps := func(i int) float64 { return float64(i / 15) }
	for _, c := range []struct {
		name  string
		slope float64
		noise func(int) float64
		grows bool
	}{
		{"flat", 0, func(int) float64 { return 0 }, false},
		{"flat with noise", 0, white, false},
		{"flat with a sawtooth", 0, sawtooth, false},
		{"flat with noise that lingers", 0, lingering, false},
		{"flat with outliers", 0, outliers, false},
		{"a leak", 0.5, white, true},
		{"a leak under a sawtooth", 1, sawtooth, true},
		{"a leak among outliers", 1, outliers, true},
		{"a leak that bends", 0, func(i int) float64 { return float64(i*i)/200 + white(i) }, true},
		{"a leak in steps", 0, steps, true},
	} {
		x, y := series(180, c.slope, c.noise)
		s, err := Of(x, y, 0.999)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if grows := s.Low > 0; grows != c.grows {
			t.Errorf("%s: %+v", c.name, s)
		}
		if s.Low > s.Value || s.Value > s.High {
			t.Errorf("%s: the slope is outside of its interval: %+v", c.name, s)
		}
	}
}

func TestSlopeOfALine(t *testing.T) {
	x, y := series(20, 3, func(int) float64 { return 0 })
	s, err := Of(x, y, 0.95)
	if err != nil || s.Value != 3 || s.Low != 3 || s.High != 3 || s.Level != 1000+3*9.5 {
		t.Errorf("%+v, error %v", s, err)
	}
}

// TestIntervalHoldsTheSlope counts how often an interval of 90 % does.
func TestIntervalHoldsTheSlope(t *testing.T) {
	const runs, slope = 400, 0.3
	random := rand.New(rand.NewPCG(3, 4))
	held := 0
	for range runs {
		x, y := series(40, slope, func(int) float64 { return 5 * random.NormFloat64() })
		s, err := Of(x, y, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if s.Low <= slope && slope <= s.High {
			held++
		}
	}
	if share := float64(held) / runs; math.Abs(share-0.9) > 0.06 {
		t.Errorf("%.3f of the intervals hold the slope, want 0.9", share)
	}
}

func TestNoSlope(t *testing.T) {
	x := []float64{1, 1, 1, 1, 1, 1, 1, 1}
	if _, err := Of(x, x, 0.95); err == nil {
		t.Error("points at one x have a slope")
	}
	if _, err := Of(x[:7], x[:7], 0.95); err == nil {
		t.Error("seven points have a slope")
	}
	if _, err := Of(x, x[:7], 0.95); err == nil {
		t.Error("points without y have a slope")
	}
}
