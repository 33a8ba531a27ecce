package lottery

import (
	"crypto/sha512"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// beacon runs the seeds of a chain whose outputs come from hashes, not proofs:
// a thousand times faster, and just as random.
type beacon struct {
	seed   Seed
	height uint64
}

func newBeacon(chain int) *beacon {
	return &beacon{seed: GenesisSeed([32]byte(wide(uint64(chain), 32)), nil), height: 1}
}

// draw returns the next height's draw.
func (b *beacon) draw(t testing.TB, list []Participant) *Draw {
	t.Helper()
	d := newDraw(t, b.seed, b.height, list)
	b.seed = NextSeed(b.seed, b.height, sha512.Sum512(b.seed[:]))
	b.height++
	return d
}

func add(t testing.TB, a *Audit, d *Draw) {
	t.Helper()
	if err := a.Add(d, 0); err != nil {
		t.Fatal(err)
	}
}

// audited returns the audit of so many heights of one chain; stakes gives the
// participants of each height.
func audited(t testing.TB, chain, heights int, stakes func(height int) []Participant) *Audit {
	t.Helper()
	a, b := NewAudit(), newBeacon(chain)
	for h := range heights {
		add(t, a, b.draw(t, stakes(h)))
	}
	return a
}

func constant(weights ...uint64) func(int) []Participant {
	list := weighing(weights...)
	return func(int) []Participant { return list }
}

// changing stakes: they wander, and validators come and go.
func changing(height int) []Participant {
	list := weighing(100, 50+uint64(height%7)*20, 10, 1000-uint64(height), 1)
	if height%50 > 25 {
		list = append(list, Participant{ID: id(200), Weight: 500})
	}
	if height%3 == 0 {
		list = slices.Delete(list, 1, 2)
	}
	return list
}

// uniformly fails if values, each uniform on 0..1 by hypothesis, are not.
func uniformly(t *testing.T, what string, values []float64) {
	t.Helper()
	if p := kolmogorovTail(uint64(len(values)), distance(values)); p < 0.001 {
		t.Errorf("%s: %d p-values are not uniform: p = %v, distance %v", what, len(values), p, distance(values))
	}
}

// distance is the statistic of Kolmogorov and Smirnov, from the values themselves.
func distance(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	d, n := 0.0, float64(len(sorted))
	for i, x := range sorted {
		d = max(d, x-float64(i)/n, float64(i+1)/n-x)
	}
	return d
}

func within(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v within %v", what, got, want, tolerance)
	}
}

func idOf(n int) [32]byte {
	var id [32]byte
	binary.BigEndian.PutUint32(id[:], uint32(n))
	return id
}
