package lottery

import "math"

// evidence bets against the lottery's being fair. Whoever bets on a fair
// lottery at its own odds wins nothing on average, whatever the bets, the
// stakes and their changes; the chance that a unit of capital ever grows to a
// thousand, over the whole life of the chain, is at most one in a thousand (J.
// Ville, 1939; A. Ramdas et al., "Game-theoretic statistics and safe
// anytime-valid inference", 2023). A p-value looked at after each block knows no
// such bound: sooner or later any threshold is crossed.
//
// The unit is laid out on three kinds of bet: half on the shares of
// participants, a quarter on where numbers fall, a quarter on their following
// from the number before.
type evidence struct {
	entered uint64  // bets on shares, ever
	retired float64 // capital of those whose participants left
	uniform binBet
	serial  [serialBins]binBet // by the bin of the position before
	before  int                // that bin
	started bool
}

const (
	uniformBins = 16 // fine enough to see a number drawn with a modulo or a float
	serialBins  = 8  // squared, they are cells to learn; eight settle in a few hundred draws
)

// capital returns what the unit has become; rows hold the bets on shares that
// did not retire.
func (e *evidence) capital(rows []row) float64 {
	shares := e.retired + unused(e.entered)
	for i := range rows {
		shares += rows[i].bet.capital()
	}
	serial := 0.0
	for i := range e.serial {
		serial += e.serial[i].log // the bets in the eight rows are one, made in turn
	}
	return shares/2 + grown(e.uniform.log)/4 + grown(serial)/4
}

// position settles the bets on where the next number falls.
func (e *evidence) position(x float64) {
	e.uniform.settle(int(x*uniformBins), uniformBins)
	bin := int(x * serialBins)
	if e.started {
		e.serial[e.before].settle(bin, serialBins)
	}
	e.before, e.started = bin, true
}

// spread makes the first hundred bets about equal and leaves something for all
// that may ever follow.
const spread = 100

// unused is the part of the unit that is not laid out after n bets on shares.
// The n-th bet gets unused(n-1) - unused(n), so that all together never exceed 1.
func unused(n uint64) float64 { return (spread + 1) / (spread + 1 + float64(n)) }

func (e *evidence) enter() shareBet {
	e.entered++
	return shareBet{stake: unused(e.entered-1) - unused(e.entered)}
}

func (e *evidence) retire(b shareBet) { e.retired += b.capital() }

// shareBet bets that a participant's odds are not what its stake says, but as
// much better or worse as they were so far.
type shareBet struct {
	stake float64 // part of the unit
	log   float64 // of the factor by which it has grown
}

func (b *shareBet) capital() float64 { return b.stake * grown(b.log) }

// settle pays the bet on r, whose counts are those before this draw: with odds
// tilted by t, the drawn one's chance is part*t / (1 - part + part*t).
func (b *shareBet) settle(r *row, part float64, drawn bool) {
	tilt := (float64(r.observed) + 1) / (r.expected + 1)
	b.log -= math.Log1p(part * (tilt - 1))
	if drawn {
		b.log += math.Log(tilt)
	}
}

// binBet bets that some of several equal bins are hit more often than others,
// as they were so far (R. Krichevsky and V. Trofimov, 1981).
type binBet struct {
	hits  [max(uniformBins, serialBins)]uint64
	total uint64
	log   float64 // of the factor by which it has grown
}

func (b *binBet) settle(bin, bins int) {
	n := float64(bins)
	b.log += math.Log(n * (float64(b.hits[bin]) + 0.5) / (float64(b.total) + n/2))
	b.hits[bin]++
	b.total++
}

// grown returns e^log, short of what a sum of them could not hold.
func grown(log float64) float64 { return math.Exp(min(log, 600)) }
