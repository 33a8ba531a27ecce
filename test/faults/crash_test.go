package faults_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 0, "how many blows TestCrashes deals; 0: one of each kind, and of the kills at a point one or two")
	only   = flag.String("blow", "", "TestCrashes deals only blows with this in their names")
	seed   = flag.Uint64("seed", 0, "what TestCrashes draws the blows, victims and moments from; 0: another each time")
)

// TestCrashes deals blow after blow to a network under load. All kinds come
// before one comes again. The seed fixes what befalls whom; the machine's own
// pace is left to chance.
func TestCrashes(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(*seed, 0))
	deck, count := append(blows(), kills()...), *rounds
	if count == 0 {
		deck = append(blows(), someKills(random)...)
	}
	deck = slices.DeleteFunc(deck, func(b blow) bool { return !strings.Contains(b.name, *only) })
	if len(deck) == 0 {
		t.Fatalf("no blow has %q in its name", *only)
	}
	if count == 0 {
		count = len(deck)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with the same blows: go test ./test/faults -run TestCrashes -v -rounds %d -seed %d -blow %q", *rounds, *seed, *only)
		}
	})
	a := begin(t, random)
	began := time.Now()
	for i := range count {
		if i%len(deck) == 0 {
			random.Shuffle(len(deck), func(i, k int) { deck[i], deck[k] = deck[k], deck[i] })
		}
		b := deck[i%len(deck)]
		t.Logf("%6.1f s, %d of %d: %s", time.Since(began).Seconds(), i+1, count, b.name)
		b.strike(a)
		a.whole()
		a.grow(a.n.Nodes...)
		if t.Failed() {
			t.FailNow()
		}
	}
	a.verify()
	t.Logf("%d blows and %d deaths in %.0f s; %d votes and proposals were heard", count, a.deaths, time.Since(began).Seconds(), a.ear.count())
}
