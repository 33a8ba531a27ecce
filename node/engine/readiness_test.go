package engine

import (
	"strings"
	"testing"
	"time"
)

func TestReadiness(t *testing.T) {
	type word struct{ head, peers, sure uint64 }
	for name, c := range map[string]struct {
		alone bool // no peers are configured
		words []word
		after time.Duration // since the last word
		want  string        // part of the reason; empty: ready
	}{
		"alone":                             {alone: true},
		"just started":                      {want: "just started"},
		"no peer there":                     {after: firstWord},
		"level":                             {words: []word{{5, 5, 5}}},
		"ahead":                             {words: []word{{6, 5, 5}}, after: time.Hour},
		"a block behind":                    {words: []word{{5, 6, 6}}},
		"a block behind for long":           {words: []word{{5, 6, 6}}, after: lagPatience + 1, want: "has block 5, its peers have 6"},
		"behind, and caught up":             {words: []word{{5, 6, 6}, {6, 6, 6}, {6, 7, 7}}, after: lagPatience},
		"behind, and never level":           {words: []word{{5, 6, 6}, {6, 7, 7}}, after: lagPatience + 1, want: "catching up"},
		"far behind for sure":               {words: []word{{5, 5 + maxLag + 1, 5 + maxLag + 1}}, want: "catching up"},
		"far behind, says one":              {words: []word{{5, 1 << 40, 5}}},
		"far behind, says one, for long":    {words: []word{{5, 1 << 40, 5}}, after: lagPatience + 1, want: "catching up"},
		"far behind, said one that is none": {words: []word{{5, 1 << 40, 5}, {5, 5, 5}}, after: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var r readiness
				if r.begin(3); c.alone {
					r = readiness{}
					r.begin(0)
				}
				for _, w := range c.words {
					r.check(w.head, w.peers, w.sure)
					r.heard()
				}
				time.Sleep(c.after)
				err := r.err()
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v, want %q", err, c.want)
				}
			})
		})
	}
}

// A head that moves makes a node ready at once.
func TestReadyAsSoonAsCaughtUp(t *testing.T) {
	var r readiness
	r.check(5, 5000, 5000)
	if r.lag() == nil {
		t.Fatal("ready far behind")
	}
	if r.committed(5000); r.lag() != nil {
		t.Error(r.lag())
	}
}

func TestComplaints(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var c complaints
		a, b := complaint{"it is wrong", "a"}, complaint{"it is wrong", "b"}
		for i := range 3 * complaintBurst {
			if ok, _ := c.pass(a); ok != (i < complaintBurst) {
				t.Errorf("complaint %d about a: %v", i, ok)
			}
		}
		if ok, before := c.pass(b); !ok || before != 0 {
			t.Errorf("the first about b: %v, %d", ok, before)
		}
		time.Sleep(complaintInterval)
		if ok, before := c.pass(a); !ok || before != 2*complaintBurst {
			t.Errorf("later: %v, %d were left out", ok, before)
		}
		if ok, before := c.pass(a); !ok || before != 0 {
			t.Errorf("and again: %v, %d", ok, before)
		}
		for i := range 3 * maxComplaints {
			c.pass(complaint{"it is wrong", string(rune(i + 1000))})
		}
		if len(c.counts) > maxComplaints {
			t.Errorf("%d kinds are counted", len(c.counts))
		}
	})
}
