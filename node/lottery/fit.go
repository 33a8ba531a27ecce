package lottery

import (
	"cmp"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// minExpected is how many draws a participant must expect to be judged by
// itself; those with fewer are judged together. Below five the distribution of
// chi-square is not what the p-value takes it for (W. Cochran, 1954).
const minExpected = 5

// Fit is a goodness of fit of observed to expected draws.
type Fit struct {
	// ChiSquare is d' C⁻ d, where d is observed minus expected draws of each
	// participant and C their true covariance: the sum over heights of
	// diag(p) - pp', p being the shares of that height. While stakes do not
	// change it is Pearson's sum of d²/expected.
	ChiSquare float64
	// Degrees of freedom; 0 while there are too few draws to judge.
	Degrees int
	// PValue is the chance of a ChiSquare at least as great if the lottery is
	// fair; 1 if Degrees is 0.
	PValue float64
}

// cell is one or several rows that are judged together.
type cell struct {
	rows      []int
	expected  float64
	deviation float64 // observed minus expected
}

// fit judges all participants at once.
func (a *Audit) fit() Fit {
	a.foldStretch()
	cells := a.pool()
	f := Fit{PValue: 1}
	covariances := a.covariances(cells)
	for _, group := range connected(covariances) {
		if len(group) < 2 {
			continue // who competed with nobody has no surprise to offer
		}
		if q, ok := quadratic(covariances, cells, group[1:]); ok {
			f.ChiSquare += q
			f.Degrees += len(group) - 1
		}
	}
	if f.Degrees > 0 {
		f.PValue = clamp(mathext.GammaIncRegComp(float64(f.Degrees)/2, f.ChiSquare/2))
	}
	return f
}

// pool makes cells that expect minExpected draws each, putting together rows
// that expect about as many. It goes by what was expected alone, never by what
// was observed.
func (a *Audit) pool() []cell {
	order := make([]int, 0, len(a.rows))
	for i := range a.rows {
		if a.rows[i].expected > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a.rows[i].expected, a.rows[j].expected) })
	var cells []cell
	var open cell
	for _, i := range order {
		r := &a.rows[i]
		open.join(cell{rows: []int{i}, expected: r.expected, deviation: float64(r.observed) - r.expected})
		if open.expected >= minExpected {
			cells = append(cells, open)
			open = cell{}
		}
	}
	if len(cells) > 0 {
		cells[len(cells)-1].join(open)
	}
	return cells
}

func (c *cell) join(other cell) {
	c.rows = append(c.rows, other.rows...)
	c.expected += other.expected
	c.deviation += other.deviation
}

// covariances returns, for each two cells, minus the covariance of their draws.
func (a *Audit) covariances(cells []cell) *mat.SymDense {
	if len(cells) == 0 {
		return nil
	}
	c := mat.NewSymDense(len(cells), nil)
	for i := range cells {
		for j := range i {
			between := 0.0
			for _, r := range cells[i].rows {
				for _, s := range cells[j].rows {
					between += *a.pair(r, s)
				}
			}
			c.SetSym(i, j, between)
		}
	}
	return c
}

// linked is from when on two cells count as having competed: with less, the
// chance that a draw moved from one to the other is less than a millionth, and
// C too close to having no inverse.
const linked = 1e-6

// connected returns the groups of cells that competed with each other, directly
// or through others. Within one, the deviations sum to zero, and that is their
// only dependence: C is the Laplacian matrix of a graph.
func connected(c *mat.SymDense) [][]int {
	if c == nil {
		return nil
	}
	n := c.SymmetricDim()
	seen := make([]bool, n)
	var groups [][]int
	for start := range n {
		if seen[start] {
			continue
		}
		seen[start] = true
		group := []int{start}
		for k := 0; k < len(group); k++ {
			for other := range n {
				if !seen[other] && c.At(group[k], other) > linked {
					seen[other] = true
					group = append(group, other)
				}
			}
		}
		groups = append(groups, group)
	}
	return groups
}

// quadratic returns d' C⁻ d of a group of which one cell was left out, without
// which C has an inverse; the result does not depend on which one it was. It
// reports false if C has none in floating point, which linked is there to avoid.
func quadratic(negative *mat.SymDense, cells []cell, group []int) (float64, bool) {
	c := mat.NewSymDense(len(group), nil)
	d := mat.NewVecDense(len(group), nil)
	for i, cell := range group {
		d.SetVec(i, cells[cell].deviation)
		variance := 0.0
		for other := range cells {
			if other != cell {
				variance += negative.At(cell, other)
			}
		}
		c.SetSym(i, i, variance)
		for j := range i {
			c.SetSym(i, j, -negative.At(cell, group[j]))
		}
	}
	var factors mat.Cholesky
	var x mat.VecDense
	if !factors.Factorize(c) || factors.SolveVecTo(&x, d) != nil {
		return 0, false
	}
	return mat.Dot(d, &x), true
}
