package lottery

import (
	"fmt"
	"slices"
)

const (
	// maxRows is how many participants the audit counts one by one; the pairs
	// it keeps for the goodness of fit are the square of it, a quarter of a
	// megabyte. A network has at most a hundred validators at a time, so there
	// is always one that left, and was gone the longest, to make room.
	maxRows = 256
	// others is the row of guests, and of all who left and made room.
	others = 0
)

// Audit judges a lottery by its draws, height after height, whatever becomes of
// the stakes. It needs less than a megabyte however long the chain. It is not
// safe for use by several goroutines at once.
type Audit struct {
	draws uint64
	last  uint64 // the newest height
	rows  []row
	byID  map[[32]byte]int // row of an ID

	// The participants of the newest height and what follows from them, kept
	// because they seldom change.
	participants []Participant
	rowOf        []int   // by participant
	shares       []share // by row, of those who take part

	// pairs[i][j], j < i, is the sum over heights of share i times share j: the
	// negative covariance of the numbers of draws. Heights since the
	// participants last changed are in stretch, not yet in pairs.
	pairs   [][]float64
	stretch uint64

	positions positions
	evidence  evidence
}

// row counts one participant, or all others together.
type row struct {
	id       [32]byte
	heights  uint64  // at which it took part
	expected float64 // sum of stake / total
	observed uint64  // drawn in round 0
	won      uint64  // its block was committed
	missed   uint64  // drawn, but a later round's block was committed
	lastSeen uint64  // the newest height at which it took part
	bet      shareBet
}

// share is a row's part of the total weight at one height.
type share struct {
	row  int
	part float64 // 0 < part <= 1
}

// NewAudit returns an audit that has seen nothing.
func NewAudit() *Audit {
	a := &Audit{byID: map[[32]byte]int{}, positions: newPositions()}
	a.setRow(others, [32]byte{})
	return a
}

// Add counts one height: its draw, and the round whose winner's block was
// committed. Heights come in order and without gaps, from any height on; another
// height is an error and is not counted.
func (a *Audit) Add(d *Draw, round uint32) error {
	if a.draws > 0 && d.Height() != a.last+1 {
		return fmt.Errorf("lottery: audit: height %d does not follow height %d: heights must come in order, each once", d.Height(), a.last)
	}
	if a.draws == 0 || !slices.Equal(a.participants, d.participants) {
		a.arrange(d)
	}
	a.draws++
	a.last = d.Height()
	a.stretch++

	a.expect(a.rowOf[d.pick(0).index])
	a.settle(d, round)
	position := d.Position(0)
	a.evidence.position(position)
	a.positions.add(position)
	return nil
}

// Draws returns the number of heights counted.
func (a *Audit) Draws() uint64 { return a.draws }

// Distribution returns, for each i from 0 to points, at how large a part of the
// heights the draw fell below i/points of the total weight: in a fair lottery
// about i/points. points is a power of two from 1 to 65536.
func (a *Audit) Distribution(points int) []float64 { return a.positions.below(points) }

// expect counts the first draw, which fell on row first.
func (a *Audit) expect(first int) {
	for _, s := range a.shares {
		r := &a.rows[s.row]
		r.bet.settle(r, s.part, s.row == first)
		r.heights++
		r.expected += s.part
		r.lastSeen = a.last
	}
	a.rows[first].observed++
}

// settle counts who delivered, and who was drawn before and did not. Each can
// miss a height once, and whoever delivered in the end did not miss it.
func (a *Audit) settle(d *Draw, round uint32) {
	winner := d.pick(round).index
	a.rows[a.rowOf[winner]].won++
	for earlier := uint32(0); earlier < min(round, uint32(d.Len())); earlier++ {
		if i := d.pick(earlier).index; i != winner {
			a.rows[a.rowOf[i]].missed++
		}
	}
}

// arrange takes up new participants: who has which row, and which share.
func (a *Audit) arrange(d *Draw) {
	a.foldStretch()
	a.participants = d.participants
	a.rowOf = a.rowOf[:0]
	present := make([]bool, maxRows)
	for _, p := range d.participants {
		if i, known := a.byID[p.ID]; known && !p.Guest {
			present[i] = true
		}
	}
	parts := make([]uint64, maxRows)
	var total uint64
	for _, p := range d.participants {
		i := a.find(p, present)
		a.rowOf = append(a.rowOf, i)
		parts[i] += p.Weight
		total += p.Weight
	}
	a.shares = a.shares[:0]
	for i, part := range parts {
		if part > 0 {
			a.shares = append(a.shares, share{row: i, part: float64(part) / float64(total)})
		}
	}
}

// find returns the row of p, which it makes if need be and if there is room.
// All is decided before the height is drawn, or the rows would be picked by
// how the draws fell.
func (a *Audit) find(p Participant, present []bool) int {
	if p.Guest {
		return others
	}
	if i, known := a.byID[p.ID]; known {
		return i
	}
	i := len(a.rows)
	if i == maxRows {
		if i = a.longestGone(present); i == others {
			return others
		}
		a.foldRow(i)
	}
	a.setRow(i, p.ID)
	present[i] = true
	return i
}

// longestGone returns the row whose participant left first, or others if all
// are present.
func (a *Audit) longestGone(present []bool) int {
	gone := others
	for i := 1; i < len(a.rows); i++ {
		if !present[i] && (gone == others || a.rows[i].lastSeen < a.rows[gone].lastSeen) {
			gone = i
		}
	}
	return gone
}

// foldRow adds row i to the others. Sums of counts have sums of covariances, so
// the goodness of fit loses nothing but detail.
func (a *Audit) foldRow(i int) {
	from, to := &a.rows[i], &a.rows[others]
	to.heights = min(to.heights+from.heights, a.draws)
	to.expected += from.expected
	to.observed += from.observed
	to.won += from.won
	to.missed += from.missed
	for j := range a.rows {
		if j != i && j != others {
			*a.pair(others, j) += *a.pair(i, j)
		}
		if j != i {
			*a.pair(i, j) = 0
		}
	}
	a.evidence.retire(from.bet)
	delete(a.byID, from.id)
}

// setRow begins row i anew; i may be the first that is not there yet.
func (a *Audit) setRow(i int, id [32]byte) {
	if i == len(a.rows) {
		a.rows = append(a.rows, row{})
		a.pairs = append(a.pairs, make([]float64, i))
	}
	a.rows[i] = row{id: id, bet: a.evidence.enter()}
	if i != others {
		a.byID[id] = i
	}
}

// pair returns the place of i and j, which must differ, in pairs.
func (a *Audit) pair(i, j int) *float64 { return &a.pairs[max(i, j)][min(i, j)] }

// foldStretch brings pairs up to date.
func (a *Audit) foldStretch() {
	heights := float64(a.stretch)
	for n, s := range a.shares {
		for _, t := range a.shares[:n] {
			*a.pair(s.row, t.row) += heights * s.part * t.part
		}
	}
	a.stretch = 0
}
