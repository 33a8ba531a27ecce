package lottery

import (
	"fmt"
	"slices"
	"testing"
)

// TestPValuesOfFairLotteriesAreUniform looks once at each of many lotteries.
func TestPValuesOfFairLotteriesAreUniform(t *testing.T) {
	for name, stakes := range map[string]func() func(int) []Participant{
		"constant": func() func(int) []Participant { return constant(100, 50, 30, 20) },
		"one":      func() func(int) []Participant { return constant(2, 1) },
		"changing": func() func(int) []Participant { return changing },
	} {
		t.Run(name, func(t *testing.T) {
			const chains, heights = 400, 200
			var fit, uniformity, serial []float64
			for chain := range chains {
				r := audited(t, 1000+chain, heights, stakes()).Report()
				fit = append(fit, r.Fit.PValue)
				uniformity = append(uniformity, r.Uniformity.PValue)
				serial = append(serial, r.Serial.PValue)
			}
			if name != "one" { // with two participants few counts, hence few p-values, are possible
				uniformly(t, "goodness of fit", fit)
			} else if small := below(fit, 0.05); small > chains*8/100 {
				t.Errorf("%d of %d p-values are below 0.05", small, chains)
			}
			uniformly(t, "uniformity", uniformity)
			uniformly(t, "serial correlation", serial)
		})
	}
}

func below(values []float64, limit float64) (n int) {
	for _, v := range values {
		if v < limit {
			n++
		}
	}
	return n
}

// TestGuestsLeaveTheAuditFair has guests who leave as they win, which pushes the
// counts of each of them up, but not that of all.
func TestGuestsLeaveTheAuditFair(t *testing.T) {
	const chains, heights = 300, 200
	var fit []float64
	for chain := range chains {
		a, b, next := NewAudit(), newBeacon(5000+chain), 100
		list := weighing(100, 60, 40)
		for range heights {
			if len(list) < 6 && next%2 == 0 {
				list = append(list, Participant{ID: idOf(next), Weight: uint64(10 * (1 + next%5)), Guest: true})
			}
			next++
			d := b.draw(t, list)
			add(t, a, d)
			winner := d.At(0)
			list = slices.DeleteFunc(slices.Clone(list), func(p Participant) bool { return p.Guest && p.ID == winner })
		}
		r := a.Report()
		if len(r.Participants) != 3 {
			t.Fatalf("%d participants besides guests, want 3", len(r.Participants))
		}
		fit = append(fit, r.Fit.PValue)
	}
	uniformly(t, "goodness of fit", fit)
}

// TestFairLotteriesAreSeldomCalledUnfair looks after every height, which is what
// a network's status does.
func TestFairLotteriesAreSeldomCalledUnfair(t *testing.T) {
	const chains, heights, level = 400, 500, 0.05
	crossed, unfair := 0, 0
	for chain := range chains {
		a, b := NewAudit(), newBeacon(9000+chain)
		highest := 0.0
		for h := range heights {
			add(t, a, b.draw(t, changing(h)))
			highest = max(highest, a.evidence.capital(a.rows))
		}
		if highest > 1/level {
			crossed++
		}
		if highest > 1/Significance {
			unfair++
		}
	}
	t.Logf("%d of %d chains ever crossed %v, %d ever looked unfair", crossed, chains, level, unfair)
	if crossed > chains*level || unfair > 2 {
		t.Errorf("%d of %d chains ever crossed %v, %d ever looked unfair", crossed, chains, level, unfair)
	}
}

// rigged is a lottery that falls on participants as it pleases.
type rigged func(d *Draw, h int)

// fall makes the first draw of d fall on participant i, anywhere in its share.
func fall(d *Draw, i int) {
	p := pick{index: i, total: d.total, fraction: d.pick(0).fraction}
	for _, q := range d.participants[:i] {
		p.number += q.Weight
	}
	p.number += d.pick(0).number % d.participants[i].Weight
	d.picks[0] = p
}

func TestUnfairLotteriesAreCaught(t *testing.T) {
	stakes := []uint64{40, 30, 20, 10}
	for _, c := range []struct {
		name    string
		heights int
		rig     rigged
		caught  func(r Report) bool
	}{
		{"the last one's stake counts twice", 1500, func(d *Draw, h int) {
			heavy := newDraw(t, d.seed, d.height, weighing(40, 30, 20, 20))
			fall(d, heavy.pick(0).index)
		}, func(r Report) bool { return r.Fit.PValue < Significance }},

		{"stakes do not count", 500, func(d *Draw, h int) {
			flat := newDraw(t, d.seed, d.height, weighing(1, 1, 1, 1))
			fall(d, flat.pick(0).index)
		}, func(r Report) bool { return r.Fit.PValue < Significance }},

		{"one of two seeds is chosen", 500, func(d *Draw, h int) {
			if other := newDraw(t, NextSeed(d.seed, d.height, Output{}), d.height, d.participants); other.pick(0).index == 1 {
				fall(d, 1)
			}
		}, func(r Report) bool { return r.Fit.PValue < Significance }},

		{"in turn, in the right proportion", 500, func(d *Draw, h int) {
			fall(d, []int{0, 1, 0, 2, 1, 0, 2, 1, 0, 3}[h%10])
		}, func(r Report) bool { return r.Serial.PValue < Significance && r.Fit.PValue > 0.9 }},

		{"low numbers twice as often", 1000, func(d *Draw, h int) {
			if n := d.pick(0).number; n >= 70 && d.pick(0).fraction%2 == 0 {
				d.picks[0].number = n % 10 // within the first one's share
				d.picks[0].index = 0
			}
		}, func(r Report) bool { return r.Uniformity.PValue < Significance }},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := weighing(stakes...)
			a, b := NewAudit(), newBeacon(77)
			for h := range c.heights {
				d := b.draw(t, list)
				d.pick(0)
				c.rig(d, h)
				add(t, a, d)
			}
			r := a.Report()
			if r.Fair || !c.caught(r) {
				t.Errorf("not caught: fair %v (%v), fit %+v, uniformity %+v, serial %+v", r.Fair, r.LifetimePValue, r.Fit, r.Uniformity, r.Serial)
			}
		})
	}
}

// TestUnfairAmongAHundred reweighs one of a hundred validators.
func TestUnfairAmongAHundred(t *testing.T) {
	weights := make([]uint64, 100)
	for i := range weights {
		weights[i] = 10
	}
	list := weighing(weights...)
	weights[63] = 30
	a, b := NewAudit(), newBeacon(78)
	for h := range 3000 {
		d := b.draw(t, list)
		fall(d, newDraw(t, d.seed, uint64(h), weighing(weights...)).pick(0).index)
		add(t, a, d)
	}
	r := a.Report()
	if r.Fair || r.Fit.PValue > Significance {
		t.Errorf("not caught: fair %v (%v), fit %+v", r.Fair, r.LifetimePValue, r.Fit)
	}
	if p := tallyOf(t, r, list[63].ID); p.Low <= p.Expected {
		t.Errorf("the interval of the favored holds what it was to get: %+v", p)
	}
}

func TestIntervalsHoldWhatIsExpected(t *testing.T) {
	inside, all := 0, 0
	for chain := range 60 {
		for _, p := range audited(t, 3000+chain, 300, changing).Report().Participants {
			all++
			if p.Low <= p.Expected && p.Expected <= p.High {
				inside++
			}
		}
	}
	if float64(inside) < Confidence*float64(all)-5 {
		t.Errorf("%d of %d intervals hold the expected number", inside, all)
	}
}

// TestCapitalIsAFairBet adds up, over everything that can happen in a few
// draws, chance times capital: exactly 1, or the bets would not be fair.
func TestCapitalIsAFairBet(t *testing.T) {
	lists := [][]Participant{weighing(1, 2), weighing(1, 2, 1), weighing(3, 1), weighing(2, 2)}
	var walk func(path []int, chance float64) float64
	walk = func(path []int, chance float64) float64 {
		if len(path) == len(lists) {
			a := NewAudit()
			for h, i := range path {
				d := newDraw(t, Seed{}, uint64(h), lists[h])
				d.pick(0)
				fall(d, i)
				a.arrange(d)
				a.expect(a.rowOf[i])
			}
			return chance * (a.evidence.capital(a.rows)*2 - 1) // positions did not bet
		}
		sum, total := 0.0, 0.0
		for _, p := range lists[len(path)] {
			total += float64(p.Weight)
		}
		for i, p := range lists[len(path)] {
			sum += walk(append(slices.Clone(path), i), chance*float64(p.Weight)/total)
		}
		return sum
	}
	within(t, "mean capital in shares", walk(nil, 1), 1, 1e-12)

	// The same for positions: bins of a sixteenth, each as likely.
	mean := 0.0
	for path := range 16 * 16 * 16 {
		var e evidence
		for _, bin := range []int{path % 16, path / 16 % 16, path / 256} {
			e.position((float64(bin) + 0.5) / 16)
		}
		mean += e.capital(nil) / (16 * 16 * 16)
	}
	within(t, "mean capital in positions", mean, 1, 1e-12)
}

func ExampleAudit() {
	validators := []Participant{{ID: [32]byte{1}, Weight: 100}, {ID: [32]byte{2}, Weight: 50}}
	seed := GenesisSeed([32]byte{}, nil)
	audit := NewAudit()
	for height := uint64(1); height <= 300; height++ {
		draw, err := NewDraw(seed, height, validators)
		if err != nil {
			panic(err)
		}
		if err := audit.Add(draw, 0); err != nil {
			panic(err)
		}
		seed = NextSeed(seed, height, Output{})
	}
	report := audit.Report()
	for _, p := range report.Participants {
		fmt.Printf("expected %.0f, drawn %d\n", p.Expected, p.Observed)
	}
	fmt.Println("fair:", report.Fair)
	// Output:
	// expected 200, drawn 197
	// expected 100, drawn 103
	// fair: true
}
