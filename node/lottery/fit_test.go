package lottery

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func TestFitIsPearsonsWhileStakesStay(t *testing.T) {
	weights := []uint64{40, 30, 20, 10}
	a := audited(t, 2, 800, constant(weights...))
	want := 0.0
	for _, p := range a.Report().Participants {
		want += (float64(p.Observed) - p.Expected) * (float64(p.Observed) - p.Expected) / p.Expected
	}
	f := a.fit()
	within(t, "chi-square", f.ChiSquare, want, 1e-9)
	if f.Degrees != 3 {
		t.Errorf("%d degrees of freedom, want 3", f.Degrees)
	}
}

// bruteFit is d' C⁻ d with C summed up height by height and inverted by its
// eigenvalues, for participants that all expect enough draws.
func bruteFit(draws []*Draw) (chi float64, degrees int) {
	index := map[[32]byte]int{}
	for _, d := range draws {
		for _, p := range d.participants {
			if _, known := index[p.ID]; !known {
				index[p.ID] = len(index)
			}
		}
	}
	n := len(index)
	c, deviation := mat.NewSymDense(n, nil), make([]float64, n)
	for _, d := range draws {
		share := make([]float64, n)
		_, total := d.Point(0)
		for _, p := range d.participants {
			share[index[p.ID]] = float64(p.Weight) / float64(total)
		}
		for i := range n {
			for j := range i {
				c.SetSym(i, j, c.At(i, j)-share[i]*share[j])
			}
			c.SetSym(i, i, c.At(i, i)+share[i]*(1-share[i]))
			deviation[i] -= share[i]
		}
		deviation[index[d.At(0)]]++
	}
	var eigen mat.EigenSym
	eigen.Factorize(c, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for k, value := range eigen.Values(nil) {
		if value > 1e-9*c.Trace() {
			along := mat.Dot(vectors.ColView(k), mat.NewVecDense(n, deviation))
			chi += along * along / value
			degrees++
		}
	}
	return chi, degrees
}

func TestFitMatchesEigenvalues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, seed := NewAudit(), Seed(draw32(t, "seed"))
		var draws []*Draw
		for epoch := range rapid.IntRange(1, 4).Draw(t, "epochs") {
			list := drawParticipants(t, 4, 5)
			for i := range list {
				list[i].Guest = false
				list[i].ID = id(list[i].ID[31] % 6)
			}
			slices.SortFunc(list, byID)
			list = slices.CompactFunc(list, func(x, y Participant) bool { return x.ID == y.ID })
			for range 100 { // the least share is 1/16
				d, err := NewDraw(seed, uint64(len(draws)), list)
				if err != nil {
					t.Fatal(err)
				}
				draws = append(draws, d)
				if err := a.Add(d, 0); err != nil {
					t.Fatalf("epoch %d: %v", epoch, err)
				}
			}
		}
		f := a.fit()
		chi, degrees := bruteFit(draws)
		if f.Degrees != degrees || math.Abs(f.ChiSquare-chi) > 1e-6*(1+chi) {
			t.Fatalf("chi-square %v with %d degrees, want %v with %d", f.ChiSquare, f.Degrees, chi, degrees)
		}
	})
}

func TestFitOfValidatorsWhoNeverMet(t *testing.T) {
	a := audited(t, 4, 400, func(h int) []Participant {
		if h < 200 {
			return []Participant{{ID: id(1), Weight: 1}, {ID: id(2), Weight: 2}}
		}
		return []Participant{{ID: id(3), Weight: 1}, {ID: id(4), Weight: 1}, {ID: id(5), Weight: 1}}
	})
	if f := a.fit(); f.Degrees != 3 {
		t.Errorf("%d degrees of freedom, want 1 + 2", f.Degrees)
	}
}

func TestPoolPutsTheSmallTogether(t *testing.T) {
	for _, c := range []struct {
		heights int
		weights []uint64
		want    []int // rows of each cell
		degrees int
	}{
		{4, []uint64{1, 1}, nil, 0},                  // four draws say nothing
		{9, []uint64{1, 1}, []int{2}, 0},             // 4.5 each
		{10, []uint64{1, 1}, []int{1, 1}, 1},         // 5 each
		{15, []uint64{1, 1, 1, 1}, []int{2, 2}, 1},   // 3.75 each
		{100, []uint64{96, 1, 1, 1, 1}, []int{5}, 0}, // four in all, too few for a cell
		{100, []uint64{94, 2, 2, 2}, []int{3, 1}, 1}, // 2 + 2 + 2, 94
		{100, []uint64{30, 30, 37, 3}, []int{2, 1, 1}, 2},
	} {
		a := audited(t, 5, c.heights, constant(c.weights...))
		var got []int
		for _, cell := range a.pool() {
			got = append(got, len(cell.rows))
		}
		if f := a.fit(); !slices.Equal(got, c.want) || f.Degrees != c.degrees {
			t.Errorf("%d heights of %v: cells of %v rows and %d degrees, want %v and %d", c.heights, c.weights, got, f.Degrees, c.want, c.degrees)
		}
	}
}

// TestFitOfExtremeStakes has shares that floats tell from nothing only just.
func TestFitOfExtremeStakes(t *testing.T) {
	a := audited(t, 6, 500, constant(MaxWeight, 1, MaxWeight, 1, 1))
	if f := a.fit(); f.Degrees != 1 || !(f.PValue > 0.001) {
		t.Errorf("fit %+v", f)
	}
}

// TestFoldingIsAsIfItHadBeenAGuest folds a row by hand: its draws and their
// covariances must end where those of a guest would have been all along.
func TestFoldingIsAsIfItHadBeenAGuest(t *testing.T) {
	stakes := func(guests ...int) func(int) []Participant {
		return func(h int) []Participant {
			list := weighing(50, 40, uint64(20+h%30), 10, 25)
			for _, i := range guests {
				list[i].Guest = true
			}
			return list
		}
	}
	folded, want := audited(t, 8, 600, stakes(0)), audited(t, 8, 600, stakes(0, 2))
	folded.foldStretch()
	row := folded.byID[idOf(3)]
	folded.foldRow(row)
	folded.setRow(row, idOf(99)) // whoever took its place has drawn nothing yet
	for j := range folded.rows {
		if j != row && *folded.pair(row, j) != 0 {
			t.Errorf("the newcomer inherits a covariance of %v with row %d", *folded.pair(row, j), j)
		}
	}
	f, g := folded.fit(), want.fit()
	within(t, "chi-square", f.ChiSquare, g.ChiSquare, 1e-9)
	if f.Degrees != 3 || g.Degrees != 3 {
		t.Errorf("%d and %d degrees of freedom, want 3", f.Degrees, g.Degrees)
	}
	within(t, "expected", folded.rows[others].expected, want.rows[others].expected, 1e-9)
	if folded.rows[others].observed != want.rows[others].observed || folded.rows[others].heights != 600 {
		t.Errorf("others are %+v, want %+v", folded.rows[others], want.rows[others])
	}
}
