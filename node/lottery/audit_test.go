package lottery

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAuditOfNothing(t *testing.T) {
	r := NewAudit().Report()
	if r.Draws != 0 || !r.Fair || r.LifetimePValue != 1 || r.Fit != (Fit{PValue: 1}) || len(r.Participants) != 0 {
		t.Errorf("an audit of nothing says %+v", r)
	}
}

func TestAuditOfOneParticipant(t *testing.T) {
	r := audited(t, 1, 1000, constant(1)).Report()
	if !r.Fair || r.Fit != (Fit{PValue: 1}) {
		t.Errorf("whoever is alone is judged: %+v", r)
	}
	if p := r.Participants[0]; p.Expected != 1000 || p.Observed != 1000 || p.High != 1000 {
		t.Errorf("tally %+v", p)
	}
	// A total of 1 has one number only, and still positions are uniform.
	if r.Uniformity.PValue < 0.001 || r.Serial.PValue < 0.001 {
		t.Errorf("positions: %+v, %+v", r.Uniformity, r.Serial)
	}
}

func TestAuditWantsHeightsInOrder(t *testing.T) {
	a, b := NewAudit(), newBeacon(1)
	b.height = 500 // from any height on
	list := weighing(3, 4)
	first, second, third := b.draw(t, list), b.draw(t, list), b.draw(t, list)
	add(t, a, first)
	before := a.Report()
	for _, d := range []*Draw{first, third} {
		if err := a.Add(d, 0); err == nil || !strings.Contains(err.Error(), "does not follow height 500") {
			t.Errorf("height %d: error %v", d.Height(), err)
		}
	}
	if after := a.Report(); after.Draws != 1 || after.Participants[0] != before.Participants[0] {
		t.Errorf("a refused height was counted: %+v", after)
	}
	add(t, a, second)
	add(t, a, third)
	if a.Draws() != 3 {
		t.Errorf("%d draws, want 3", a.Draws())
	}
}

// TestAuditCountsWonAndMissed goes through the rounds of one height.
func TestAuditCountsWonAndMissed(t *testing.T) {
	list := weighing(5, 6, 7)
	for _, c := range []struct {
		round  uint32
		winner int // place in the order
		missed []int
	}{
		{0, 0, nil},
		{1, 1, []int{0}},
		{2, 2, []int{0, 1}},
		{3, 0, []int{1, 2}}, // the order again: the first delivered after all
		{4, 1, []int{0, 2}},
		{math.MaxUint32, 0, []int{1, 2}},
	} {
		a, d := NewAudit(), newBeacon(3).draw(t, list)
		if err := a.Add(d, c.round); err != nil {
			t.Fatal(err)
		}
		for place, id := range d.Order() {
			tally := tallyOf(t, a.Report(), id)
			won, missed, observed := uint64(0), uint64(0), uint64(0)
			if place == c.winner {
				won = 1
			}
			if slices.Contains(c.missed, place) {
				missed = 1
			}
			if place == 0 {
				observed = 1
			}
			if tally.Won != won || tally.Missed != missed || tally.Observed != observed || tally.Heights != 1 {
				t.Errorf("round %d, place %d: %+v, want won %d, missed %d, observed %d", c.round, place, tally, won, missed, observed)
			}
		}
	}
}

func tallyOf(t testing.TB, r Report, id [32]byte) Tally {
	t.Helper()
	for _, p := range r.Participants {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("no tally of %x", id)
	return Tally{}
}

// TestAuditAddsUp holds the tallies against counts made the long way, with
// validators and guests that come and go.
func TestAuditAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, seed := NewAudit(), Seed(draw32(t, "seed"))
		type count struct{ expected, observed, won, missed, heights float64 }
		want := map[[32]byte]*count{}
		guests := &count{}
		var list []Participant
		for h := range rapid.IntRange(1, 30).Draw(t, "heights") {
			if h == 0 || rapid.Bool().Draw(t, "change") {
				list = drawParticipants(t, 6, 50)
				for i := range list {
					list[i].Guest = list[i].ID[31]%4 == 0 // for good: nobody is both
				}
			}
			d, err := NewDraw(seed, uint64(h), list)
			if err != nil {
				t.Fatal(err)
			}
			round := rapid.Uint32Range(0, 5).Draw(t, "round") % uint32(len(list))
			if err := a.Add(d, round); err != nil {
				t.Fatal(err)
			}
			total, anyGuest := 0.0, 0.0
			for _, p := range list {
				total += float64(p.Weight)
			}
			for _, p := range list {
				c := guests
				if !p.Guest {
					if want[p.ID] == nil {
						want[p.ID] = &count{}
					}
					c = want[p.ID]
					c.heights++
				} else {
					anyGuest = 1
				}
				c.expected += float64(p.Weight) / total
				switch place := slices.Index(d.Order(), p.ID); {
				case place == int(round):
					c.won++
				case place < int(round):
					c.missed++
				}
				if d.At(0) == p.ID {
					c.observed++
				}
			}
			guests.heights += anyGuest
		}

		r := a.Report()
		check := func(got Tally, want count) {
			if float64(got.Observed) != want.observed || float64(got.Won) != want.won || float64(got.Missed) != want.missed ||
				float64(got.Heights) != want.heights || math.Abs(got.Expected-want.expected) > 1e-9 {
				t.Fatalf("tally %+v, want %+v", got, want)
			}
		}
		if len(r.Participants) != len(want) {
			t.Fatalf("%d participants, want %d", len(r.Participants), len(want))
		}
		for _, p := range r.Participants {
			check(p, *want[p.ID])
		}
		check(r.Others, *guests)
	})
}

// TestAuditStaysBounded replaces validators for ever: the audit keeps those
// who are there, forgets nobody's draws, and its judgment stays what it was.
func TestAuditStaysBounded(t *testing.T) {
	const present, heights = 40, 3000
	a, b := NewAudit(), newBeacon(11)
	for h := range heights {
		list := make([]Participant, present)
		for i := range list {
			list[i] = Participant{ID: idOf(h/4 + i), Weight: uint64(1 + (h/4+i)%9)}
		}
		d := b.draw(t, list)
		if len(a.rows) == maxRows && !slices.Equal(a.participants, d.participants) {
			before := a.evidence.capital(a.rows)
			a.arrange(d)
			within(t, "capital after making room", a.evidence.capital(a.rows), before, 1e-9*before)
		}
		add(t, a, d)
	}
	r := a.Report()
	if len(a.rows) != maxRows || len(r.Participants) != maxRows-1 || len(a.byID) != maxRows-1 {
		t.Fatalf("%d rows, %d participants, %d ids; want at most %d rows", len(a.rows), len(r.Participants), len(a.byID), maxRows)
	}
	observed, expected, won := r.Others.Observed, r.Others.Expected, r.Others.Won
	for _, p := range r.Participants {
		observed, expected, won = observed+p.Observed, expected+p.Expected, won+p.Won
	}
	if observed != heights || won != heights {
		t.Errorf("%d drawn and %d won at %d heights", observed, won, heights)
	}
	within(t, "sum of expected draws", expected, heights, 1e-6)
	for i := range present {
		tallyOf(t, r, idOf((heights-1)/4+i))
	}
	if !r.Fair || r.Fit.PValue < 0.001 || r.Fit.Degrees == 0 {
		t.Errorf("a fair lottery is judged %+v", r.Fit)
	}
}

// TestAuditOfACrowd has more validators at once than there are rows.
func TestAuditOfACrowd(t *testing.T) {
	weights := make([]uint64, maxRows+100)
	for i := range weights {
		weights[i] = uint64(i%5 + 1)
	}
	r := audited(t, 12, 2000, constant(weights...)).Report()
	if len(r.Participants) != maxRows-1 || r.Others.Heights != 2000 || !r.Fair || r.Fit.PValue < 0.001 {
		t.Errorf("%d participants, others %+v, fit %+v", len(r.Participants), r.Others, r.Fit)
	}
}
