package lottery

import (
	"bytes"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

const (
	// Significance is the chance that a fair lottery is ever called unfair,
	// over the whole life of its chain and however often one looks.
	Significance = 0.001
	// Confidence is the chance that an interval of expected draws holds the
	// true value.
	Confidence = 0.99
)

// Test is the outcome of one statistical test.
type Test struct {
	Statistic float64
	// PValue is the chance of a statistic at least as extreme if the lottery is
	// fair, 0 to 1; 1 while there is nothing to judge. It holds for one look:
	// who looks at thousands will see one below a thousandth.
	PValue float64
}

// Tally is what the draws gave one participant.
type Tally struct {
	ID       [32]byte
	Heights  uint64  // at which it took part
	Expected float64 // draws: the sum of weight / total
	Observed uint64  // draws: heights whose round 0 drew it
	// Low and High bound the expected number of draws that goes with Observed:
	// the Clopper-Pearson interval at Confidence, which is exact while the share
	// stays the same, and otherwise a little wide, for draws whose chances
	// differ scatter less (W. Hoeffding, 1956). A fair lottery's Expected is
	// outside for one participant in a hundred.
	Low, High float64
	Won       uint64 // blocks committed in its name
	Missed    uint64 // heights that drew it before the round whose block was committed
}

// Report is an audit's judgment.
type Report struct {
	Draws uint64 // heights counted
	// Fit is the goodness of fit over all participants.
	Fit Fit
	// Uniformity is the Kolmogorov-Smirnov test of each height's place in the
	// total, and Serial that of the correlation of each with the next. Both
	// hold however stakes change.
	Uniformity, Serial Test
	// Participants are the validators by ascending ID, except those that left
	// so long ago that they are counted with Others.
	Participants []Tally
	// Others counts all guests together, and whoever has no tally; its ID is
	// zero.
	Others Tally
	// LifetimePValue bounds the chance that a fair lottery would at any time
	// have looked as unfair as it does now, 0 to 1. It weighs all participants,
	// uniformity and dependence, needs no minimum of draws and no correction
	// for looking often; of a fair lottery it is mostly 1.
	LifetimePValue float64
	// Fair is LifetimePValue >= Significance.
	Fair bool
}

// Report judges the heights counted so far. It costs about a
// millisecond with a hundred validators.
func (a *Audit) Report() Report {
	r := Report{
		Draws:          a.draws,
		Fit:            a.fit(),
		Uniformity:     a.positions.uniformity(),
		Serial:         a.positions.serial(),
		Others:         a.rows[others].tally(),
		LifetimePValue: min(1, 1/a.evidence.capital(a.rows)),
	}
	for i := range a.rows[1:] {
		r.Participants = append(r.Participants, a.rows[i+1].tally())
	}
	slices.SortFunc(r.Participants, func(x, y Tally) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	r.Fair = r.LifetimePValue >= Significance
	return r
}

func (r *row) tally() Tally {
	t := Tally{ID: r.id, Heights: r.heights, Expected: r.expected, Observed: r.observed, Won: r.won, Missed: r.missed}
	t.Low, t.High = clopperPearson(t.Observed, t.Heights, Confidence)
	return t
}

// clopperPearson returns the exact interval, in successes, for the mean of a
// binomial distribution of which observed successes were seen in trials.
func clopperPearson(observed, trials uint64, confidence float64) (low, high float64) {
	k, n, tail := float64(observed), float64(trials), (1-confidence)/2
	high = n
	if observed > 0 {
		low = n * mathext.InvRegIncBeta(k, n-k+1, tail)
	}
	if observed < trials {
		high = n * mathext.InvRegIncBeta(k+1, n-k, 1-tail)
	}
	return low, high
}
