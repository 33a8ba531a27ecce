package rollout_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/controllers/rollout"
)

func TestBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		stakes [][]uint64 // of each validator, over time
		want   rollout.Budget
	}{
		"one alone":          {[][]uint64{{5}}, rollout.Budget{Heavy: []string{"a"}}},
		"two":                {[][]uint64{{5}, {5}}, rollout.Budget{Heavy: []string{"a", "b"}}},
		"three thirds":       {[][]uint64{{5}, {5}, {5}}, rollout.Budget{Heavy: []string{"a", "b", "c"}}},
		"four":               {[][]uint64{{30}, {27}, {23}, {20}}, rollout.Budget{Light: 4, MaxUnavailable: 1}},
		"seven alike":        {[][]uint64{{1}, {1}, {1}, {1}, {1}, {1}, {1}}, rollout.Budget{Light: 7, MaxUnavailable: 2}},
		"one is too heavy":   {[][]uint64{{100}, {50}, {10}, {10}, {10}}, rollout.Budget{Heavy: []string{"a"}, Light: 4, MaxUnavailable: 1}},
		"all the light ones": {[][]uint64{{100}, {1}, {1}}, rollout.Budget{Heavy: []string{"a"}, Light: 2, MaxUnavailable: 2}},
		"a stake that grows": {[][]uint64{{30, 60}, {27}, {23}, {20}}, rollout.Budget{Heavy: []string{"a"}, Light: 3, MaxUnavailable: 1}},
		"one that joins":     {[][]uint64{{30}, {27}, {23}, {0, 50}}, rollout.Budget{Heavy: []string{"a", "b", "d"}, Light: 1, MaxUnavailable: 1}},
		"one that leaves":    {[][]uint64{{30}, {27}, {23}, {20}, {5, 0}}, rollout.Budget{Light: 5, MaxUnavailable: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var shares []rollout.Share
			for i, s := range tt.stakes {
				shares = append(shares, rollout.NewShare(string(rune('a'+i)), s...))
			}
			if got := rollout.NewBudget(shares); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The same by trying every choice of validators under every mixture of stakes.
func TestBudgetHoldsForEveryChoice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var shares []rollout.Share
		for i := range rapid.IntRange(1, 6).Draw(rt, "validators") {
			stakes := rapid.SliceOfN(rapid.Uint64Range(0, 12), 1, 3).Draw(rt, "stakes")
			shares = append(shares, rollout.NewShare(string(rune('a'+i)), stakes...))
		}
		var want rollout.Budget
		for i, s := range shares {
			if costly(shares, 1<<i) {
				want.Heavy = append(want.Heavy, s.Name)
			} else {
				want.Light++
			}
		}
		for k := 1; k <= want.Light; k++ {
			if slices.ContainsFunc(choices(shares, want.Heavy, k), func(down int) bool { return costly(shares, down) }) {
				break
			}
			want.MaxUnavailable = k
		}
		if got := rollout.NewBudget(shares); fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("of %+v: got %+v, want %+v", shares, got, want)
		}
	})
}

// choices are the sets, as bits, of k validators that are not heavy.
func choices(shares []rollout.Share, heavy []string, k int) []int {
	var out []int
	for set := range 1 << len(shares) {
		n := 0
		for i, s := range shares {
			if set>>i&1 == 0 {
				continue
			}
			n++
			if slices.Contains(heavy, s.Name) {
				n = len(shares) + 1
			}
		}
		if n == k {
			out = append(out, set)
		}
	}
	return out
}

// costly reports whether there is a mixture of stakes under which the quorum is
// lost with the validators of a set down.
func costly(shares []rollout.Share, down int) bool {
	for mixture := range 1 << len(shares) {
		var online, total uint64
		for i, s := range shares {
			stake := s.Low
			if mixture>>i&1 == 1 {
				stake = s.High
			}
			total += stake
			if down>>i&1 == 0 {
				online += stake
			}
		}
		if 3*online <= 2*total {
			return true
		}
	}
	return false
}
