package lottery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func id(n byte) [32]byte { return [32]byte{0: n} }

// weighing returns participants 1, 2, 3, … of these weights.
func weighing(weights ...uint64) []Participant {
	list := make([]Participant, len(weights))
	for i, w := range weights {
		binary.BigEndian.PutUint32(list[i].ID[:], uint32(i+1))
		list[i].Weight = w
	}
	return list
}

func newDraw(t testing.TB, seed Seed, height uint64, participants []Participant) *Draw {
	t.Helper()
	d, err := NewDraw(seed, height, participants)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNewDrawSaysWhatIsAllowed(t *testing.T) {
	heaviest := make([]uint64, 1024) // together 2^63 - 1024
	for i := range heaviest {
		heaviest[i] = MaxWeight
	}
	crowd := make([]uint64, MaxParticipants+1)
	for i := range crowd {
		crowd[i] = 1
	}
	for _, c := range []struct {
		name string
		list []Participant
		want string // "" for none
	}{
		{"nobody", nil, "at least one"},
		{"one", weighing(1), ""},
		{"weight 0", weighing(3, 0), "weighs 0: the weight must be 1 to 9007199254740991"},
		{"heaviest", weighing(MaxWeight), ""},
		{"too heavy", weighing(MaxWeight + 1), "weighs 9007199254740992"},
		{"largest number", weighing(math.MaxUint64, 5), "weighs 18446744073709551615"},
		{"twice", append(weighing(1, 2, 3), weighing(4)...), "is there twice"},
		{"greatest total", weighing(append(slices.Clone(heaviest), 1023)...), ""},
		{"total too great", weighing(append(slices.Clone(heaviest), 1024)...), "more than 9223372036854775807 together"},
		{"largest crowd", weighing(crowd[1:]...), ""},
		{"too many", weighing(crowd...), "at most 131072"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := NewDraw(Seed{}, 1, c.list)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if n, total := d.Point(0); n >= total || d.Position(0) >= 1 {
					t.Errorf("number %d of %d at %v", n, total, d.Position(0))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := NewDraw(Seed{}, 1, nil); !errors.Is(err, ErrNoParticipants) {
		t.Errorf("error %v, want ErrNoParticipants", err)
	}
}

func TestDrawRoundsGoAroundAgain(t *testing.T) {
	d := newDraw(t, Seed{1}, 7, weighing(5, 1, 9))
	order := d.Order()
	for round := range uint32(10) {
		if d.At(round) != order[round%3] {
			t.Errorf("round %d has %x, want %x", round, d.At(round), order[round%3])
		}
	}
	if last := uint32(math.MaxUint32); d.At(last) != order[last%3] {
		t.Error("the last round has another winner")
	}
}

func drawParticipants(t *rapid.T, maxCount int, maxWeight uint64) []Participant {
	ids := rapid.SliceOfNDistinct(rapid.Uint16(), 1, maxCount, rapid.ID).Draw(t, "ids")
	list := make([]Participant, len(ids))
	for i, n := range ids {
		binary.BigEndian.PutUint16(list[i].ID[30:], n)
		list[i].Weight = rapid.Uint64Range(1, maxWeight).Draw(t, "weight")
		list[i].Guest = rapid.Bool().Draw(t, "guest")
	}
	return list
}

func TestDrawMatchesTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, height := Seed(draw32(t, "seed")), rapid.Uint64().Draw(t, "height")
		list := drawParticipants(t, 12, 20)
		d, err := NewDraw(seed, height, list)
		if err != nil {
			t.Fatal(err)
		}
		order, numbers, totals := dumbOrder(seed, height, list)
		if !slices.Equal(d.Order(), order) {
			t.Fatalf("order %x, want %x", d.Order(), order)
		}
		for round := range order {
			if n, total := d.Point(uint32(round)); n != numbers[round] || total != totals[round] {
				t.Fatalf("round %d drew %d of %d, want %d of %d", round, n, total, numbers[round], totals[round])
			}
		}
	})
}

func TestDrawMatchesLinearScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, height := Seed(draw32(t, "seed")), rapid.Uint64().Draw(t, "height")
		list := drawParticipants(t, 200, MaxWeight)
		d, err := NewDraw(seed, height, list)
		if err != nil {
			t.Fatal(err)
		}
		if want := linearOrder(seed, height, list); !slices.Equal(d.Order(), want) {
			t.Fatalf("order %x, want %x", d.Order(), want)
		}
	})
}

func TestDrawProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, height := Seed(draw32(t, "seed")), rapid.Uint64().Draw(t, "height")
		list := drawParticipants(t, 30, MaxWeight)
		given := slices.Clone(list)
		d, err := NewDraw(seed, height, list)
		if err != nil {
			t.Fatal(err)
		}
		order := d.Order()
		if !slices.Equal(list, given) {
			t.Fatal("NewDraw changed its input")
		}

		var ids, drawn [][32]byte
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		drawn = slices.Clone(order)
		byBytes := func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }
		slices.SortFunc(ids, byBytes)
		slices.SortFunc(drawn, byBytes)
		if !slices.Equal(ids, drawn) {
			t.Fatalf("the order %x is no permutation of %x", drawn, ids)
		}

		shuffled, err := NewDraw(seed, height, rapid.Permutation(list).Draw(t, "shuffled"))
		if err != nil {
			t.Fatal(err)
		}
		// Asked for from the end, the rounds must be the same.
		for round := len(list) - 1; round >= 0; round-- {
			if shuffled.At(uint32(round)) != order[round] {
				t.Fatalf("round %d depends on the order of the participants", round)
			}
		}
		for round := range list {
			n, total := d.Point(uint32(round))
			x := d.Position(uint32(round))
			if n >= total || x < 0 || x >= 1 || math.Abs(x-float64(n)/float64(total)) > 1/float64(total)+1e-9 {
				t.Fatalf("round %d: number %d of %d at %v", round, n, total, x)
			}
		}
	})
}

// TestRestOfTheOrderIsADrawAmongTheRest is what "without replacement" means
// here: round r is a draw of its own, from H(seed, height, r), among those that
// the rounds before left. So the rest of an order depends on who was drawn
// before only by their absence.
func TestRestOfTheOrderIsADrawAmongTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, height := Seed(draw32(t, "seed")), rapid.Uint64().Draw(t, "height")
		list := drawParticipants(t, 20, 1000)
		d, err := NewDraw(seed, height, list)
		if err != nil {
			t.Fatal(err)
		}
		gone := rapid.IntRange(0, len(list)-1).Draw(t, "rounds")
		rest := slices.DeleteFunc(slices.Clone(list), func(p Participant) bool {
			return slices.Contains(d.Order()[:gone], p.ID)
		})
		amongRest, err := NewDraw(Seed{}, 0, rest)
		if err != nil {
			t.Fatal(err)
		}
		number, _ := uniform(seed, height, uint32(gone), amongRest.total)
		if i := amongRest.take(number); amongRest.participants[i].ID != d.At(uint32(gone)) {
			t.Fatalf("round %d drew %x, but a draw among the rest %x", gone, d.At(uint32(gone)), amongRest.participants[i].ID)
		}
	})
}

// chances enumerates every sequence of numbers that a draw can take, each
// exactly as likely as doc.go says, and returns the exact chance of each order.
func chances(t testing.TB, weights ...uint64) map[string]*big.Rat {
	result := map[string]*big.Rat{}
	var walk func(numbers []uint64, chance *big.Rat)
	walk = func(numbers []uint64, chance *big.Rat) {
		d := newDraw(t, Seed{}, 0, weighing(weights...))
		order := ""
		for _, n := range numbers {
			order += string(rune('a' + d.take(n)))
		}
		if d.total == 0 {
			if result[order] == nil {
				result[order] = new(big.Rat)
			}
			result[order].Add(result[order], chance)
			return
		}
		each := new(big.Rat).Mul(chance, big.NewRat(1, int64(d.total)))
		for n := range d.total {
			walk(append(slices.Clone(numbers), n), each)
		}
	}
	walk(nil, big.NewRat(1, 1))
	return result
}

// TestEveryOrderHasExactlyItsChance holds the enumeration against Luce's
// formula: each is drawn with its weight over that of those still left.
func TestEveryOrderHasExactlyItsChance(t *testing.T) {
	for _, weights := range [][]uint64{{1}, {7}, {1, 1}, {3, 1}, {1, 2, 3}, {5, 1, 4}, {1, 2, 1, 3}} {
		t.Run(fmt.Sprint(weights), func(t *testing.T) {
			sum := new(big.Rat)
			for order, chance := range chances(t, weights...) {
				want := big.NewRat(1, 1)
				for i := range order {
					left := int64(0)
					for _, c := range order[i:] {
						left += int64(weights[c-'a'])
					}
					want.Mul(want, big.NewRat(int64(weights[order[i]-'a']), left))
				}
				if chance.Cmp(want) != 0 {
					t.Errorf("order %s has chance %v, want %v", order, chance, want)
				}
				sum.Add(sum, chance)
			}
			if sum.Cmp(big.NewRat(1, 1)) != 0 {
				t.Errorf("the chances add up to %v", sum)
			}
		})
	}
}

// TestFirstPresentIsDrawnByStake is Luce's axiom: whoever is absent, the first
// one present is drawn in proportion to stake among those present.
func TestFirstPresentIsDrawnByStake(t *testing.T) {
	weights := []uint64{1, 2, 1, 3}
	orders := chances(t, weights...)
	for present := 1; present < 1<<len(weights); present++ {
		first := make([]*big.Rat, len(weights))
		for order, chance := range orders {
			i := order[strings.IndexFunc(order, func(c rune) bool { return present>>(c-'a')&1 == 1 })] - 'a'
			if first[i] == nil {
				first[i] = new(big.Rat)
			}
			first[i].Add(first[i], chance)
		}
		total := int64(0)
		for i, w := range weights {
			total += int64(w) * int64(present>>i&1)
		}
		for i, chance := range first {
			if chance != nil && chance.Cmp(big.NewRat(int64(weights[i]), total)) != 0 {
				t.Errorf("of %04b present, %d is first with chance %v, want %d/%d", present, i, chance, weights[i], total)
			}
		}
	}
}

// TestNumbersAreUniform counts numbers for totals just above and below a power
// of two, where a modulo or a float would show.
func TestNumbersAreUniform(t *testing.T) {
	const draws = 60000
	for _, total := range []uint64{1, 2, 3, 5, 6, 7, 8, 9, 31, 33, 3 << 50, MaxTotal} {
		cells := min(total, 12)
		counts := make([]float64, cells)
		for h := range uint64(draws) {
			n, _ := uniform(Seed{42}, h, uint32(total), total)
			if n >= total {
				t.Fatalf("drew %d of %d", n, total)
			}
			if total <= 33 {
				counts[n%cells]++
			} else {
				counts[n/(total/cells+1)]++
			}
		}
		chi := 0.0
		for i, seen := range counts {
			numbers := uint64(0) // of the cell
			for n := uint64(i); total <= 33 && n < total; n += cells {
				numbers++
			}
			expected := draws * float64(numbers) / float64(total)
			if total > 33 {
				expected = draws / float64(cells)
			}
			chi += (seen - expected) * (seen - expected) / expected
		}
		if limit := 31.3; chi > limit { // a chance of 0.001 with the most, 11, degrees of freedom
			t.Errorf("total %d: chi-square %.1f over %d cells", total, chi, cells)
		}
	}
}

func TestShareOfDrawsIsShareOfStake(t *testing.T) {
	const draws = 40000
	list := weighing(100, 50, 10, 3)
	var first, second [4]float64
	for h := range uint64(draws) {
		d := newDraw(t, Seed{7}, h, list)
		first[d.pick(0).index]++
		if d.pick(0).index == 0 {
			second[d.pick(1).index]++
		}
	}
	for i, p := range list {
		near(t, fmt.Sprintf("round 0, participant %d", i), first[i], draws, float64(p.Weight)/163)
		if i > 0 {
			near(t, fmt.Sprintf("round 1 after 0, participant %d", i), second[i], first[0], float64(p.Weight)/63)
		}
	}
}

// near fails if seen is more than four standard deviations off.
func near(t *testing.T, what string, seen, trials, chance float64) {
	t.Helper()
	if z := (seen - trials*chance) / math.Sqrt(trials*chance*(1-chance)); math.Abs(z) > 4 {
		t.Errorf("%s: %v of %v, want about %.0f", what, seen, trials, trials*chance)
	}
}
