package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/hack/bench/table"
)

func TestSpread(t *testing.T) {
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i)*time.Millisecond)
	}
	if got, want := spreadOf(values), (table.Spread{Median: 50, P90: 90, P99: 99, Max: 100}); got != want {
		t.Errorf("spread %+v, want %+v", got, want)
	}
	if got := spreadOf(nil); got != (table.Spread{}) {
		t.Errorf("spread of nothing %+v", got)
	}
	if got := spreadOf(values[:1]); got != (table.Spread{Median: 100, P90: 100, P99: 100, Max: 100}) {
		t.Errorf("spread of one %+v", got)
	}
}

// A quantile is one of the values, at least a share p of them does not exceed
// it, and less than that share is below it.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 20).Draw(t, "value"))
		}), 1, 50).Draw(t, "values")
		p := rapid.Float64Range(0.01, 1).Draw(t, "p")
		slices.Sort(values)
		q := quantile(values, p)
		below, upTo := 0, 0
		for _, v := range values {
			if v < q {
				below++
			}
			if v <= q {
				upTo++
			}
		}
		n := float64(len(values))
		if float64(upTo) < p*n || float64(below) >= p*n || upTo == below {
			t.Errorf("quantile %v of %v is %v: %d below, %d up to it", p, values, q, below, upTo)
		}
	})
}

var origin = time.Unix(1000, 0)

// commitsAt makes a commit of ten records at each of some milliseconds.
func commitsAt(millis ...int) []commit {
	var out []commit
	for i, m := range millis {
		out = append(out, commit{at: origin.Add(time.Duration(m) * time.Millisecond), height: uint64(i + 1), records: 10})
	}
	return out
}

func TestPerSecond(t *testing.T) {
	for _, c := range []struct {
		millis []int
		want   float64
	}{
		{nil, 0},
		{[]int{500}, 0},
		{[]int{0, 1000}, 10},
		{[]int{250, 500, 750, 1250}, 30},
	} {
		if got := perSecond(commitsAt(c.millis...)); got != c.want {
			t.Errorf("%v: %v a second, want %v", c.millis, got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	got := within(commitsAt(99, 100, 150, 199, 200), origin.Add(100*time.Millisecond), origin.Add(200*time.Millisecond))
	if len(got) != 3 || got[0].height != 2 || got[2].height != 4 {
		t.Errorf("commits %+v", got)
	}
}

func TestLongestPause(t *testing.T) {
	for name, c := range map[string]struct {
		millis []int
		want   int
	}{
		"a pause before the kill does not count": {[]int{0, 900, 1010, 1990}, 980},
		"one that spans the kill counts whole":   {[]int{0, 900, 1700, 1900}, 800},
		"nothing after the kill":                 {[]int{0, 900}, 1100},
		"no commit at all":                       {nil, 1000},
		"the end is a pause too":                 {[]int{990, 1010, 1200}, 800},
		"commits after the end do not count":     {[]int{990, 1400, 1900, 2900}, 500},
	} {
		got := longestPause(commitsAt(c.millis...), origin.Add(time.Second), origin.Add(2*time.Second))
		if got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%s: %v, want %d ms", name, got, c.want)
		}
	}
}
