package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/posnet/posnet/node/types"
)

// Scenario is a network and all that will happen to it. A seed gives one; a
// test may write one by hand.
type Scenario struct {
	Seed           uint64
	Heights        uint64            // every honest node is to commit so many blocks
	Epochs         []Epoch           // validator sets, by ascending height
	Keys           []types.PublicKey // of the nodes
	Rules          []CandidateRule   // of the nodes
	Adversaries    []Adversary       // of the nodes; nil: honest
	Guests         []Guest
	RealDraw       bool          // the lottery package's, else a plain shuffle
	Interval       time.Duration // minBlockInterval
	ProposeTimeout time.Duration
	Delay          Range // of a message
	Sync           Range // of a write to disk
	Execute        Range // of a block's check
	Notice         Notice
	Faults         []Fault
	Heal           time.Duration // when all faults are over
	Bound          time.Duration // the longest pause in commits after that
}

// Epoch is a validator set and the first height it is for.
type Epoch struct {
	From uint64
	Set  *types.ValidatorSet
}

// Guest takes part in the draw at all heights, hosted by a node.
type Guest struct {
	Key    types.PublicKey
	Host   int
	Weight uint64
}

// CandidateRule is when a node has a candidate block.
type CandidateRule struct {
	Chance float64 // that there is one at a height
	Delay  Range   // until it is there
	Flaps  bool    // it may go and come again
}

// Range is a span of times, both ends included.
type Range struct{ From, To time.Duration }

func (r Range) pick(rng *rand.Rand) time.Duration {
	return r.From + time.Duration(rng.Int64N(int64(r.To-r.From)+1))
}

// Notice is whether and when nodes are told that a link is gone.
type Notice uint8

// Links are known to be gone at once, seconds later, or never.
const (
	NoticePrompt Notice = iota
	NoticeLate
	NoticeNever
	notices
)

// seeded derives a random source from a seed and a purpose, so that what is
// drawn for one does not shift the others.
func seeded(seed, purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, purpose)) }

// RandomScenario returns the scenario of a seed.
func RandomScenario(seed, heights uint64) *Scenario {
	rng := seeded(seed, 1)
	n := 1 + rng.IntN(7)
	s := &Scenario{
		Seed: seed, Heights: heights,
		RealDraw:       rng.IntN(2) == 0,
		Interval:       time.Duration(rng.IntN(2)) * Range{0, 400 * time.Millisecond}.pick(rng),
		ProposeTimeout: Range{60 * time.Millisecond, 500 * time.Millisecond}.pick(rng),
		Delay:          Range{time.Millisecond, Range{2 * time.Millisecond, 25 * time.Millisecond}.pick(rng)},
		Sync:           Range{0, Range{0, 4 * time.Millisecond}.pick(rng)},
		Execute:        Range{0, Range{0, 10 * time.Millisecond}.pick(rng)},
		Notice:         Notice(rng.IntN(int(notices))),
		Bound:          100 * time.Second,
	}
	if rng.IntN(8) == 0 { // slower than the first timeouts allow
		s.Delay.To, s.Execute.To = 250*time.Millisecond, 200*time.Millisecond
	}
	s.addNodes(rng, n)
	s.addEpochs(rng, n)
	s.addAdversaries(rng)
	s.addGuests(rng)
	perHeight := s.Interval + 6*s.Delay.To + 2*s.Sync.To + s.Execute.To
	s.Heal = min(time.Duration(float64(perHeight)*float64(heights)*(0.2+0.6*rng.Float64())), 20*time.Second)
	s.addFaults(rng)
	return s
}

func (s *Scenario) addNodes(rng *rand.Rand, n int) {
	for i := range n {
		s.Keys = append(s.Keys, fakeKey("validator", s.Seed, i))
		rule := CandidateRule{Chance: 1, Delay: Range{0, Range{0, 60 * time.Millisecond}.pick(rng)}}
		if i > 0 { // node 0 always has a candidate sooner or later
			switch rng.IntN(4) {
			case 0:
				rule.Chance = 0.1
			case 1:
				rule.Chance, rule.Flaps = 0.5, true
			case 2:
				rule.Delay.To = 2 * time.Second
			}
		}
		s.Rules = append(s.Rules, rule)
	}
}

// addEpochs makes validator sets: random stakes, some of which change as the
// chain goes on; and a validator may leave and come back.
func (s *Scenario) addEpochs(rng *rand.Rand, n int) {
	stakes := make([]uint64, n)
	most := []uint64{1, 10, 1000, types.MaxAmount / 8}[rng.IntN(4)]
	for i := range stakes {
		stakes[i] = 1 + rng.Uint64N(most)
	}
	for from := uint64(1); from <= s.Heights; from += 5 + rng.Uint64N(30) {
		s.Epochs = append(s.Epochs, Epoch{From: from, Set: s.makeSet(stakes)})
		i := rng.IntN(n)
		stakes[i] = 1 + rng.Uint64N(most)
		if i > 0 && rng.IntN(3) == 0 {
			stakes[i] = 0
		}
	}
}

func (s *Scenario) makeSet(stakes []uint64) *types.ValidatorSet {
	var list []types.Validator
	for i, stake := range stakes {
		if stake > 0 {
			list = append(list, types.Validator{Name: fmt.Sprintf("n%d", i), Key: s.Keys[i], VRFKey: fakeKey("vrf", s.Seed, i), Stake: stake})
		}
	}
	set, err := types.NewValidatorSet(list)
	if err != nil {
		panic("sim: " + err.Error()) // node 0 always has stake
	}
	return set
}

func fakeKey(what string, seed uint64, i int) types.PublicKey {
	return types.PublicKey(types.SumHash([]byte(what), binary.BigEndian.AppendUint64(nil, seed), []byte{byte(i)}))
}

// addAdversaries gives some nodes, below a third of the stake in every epoch,
// a mind of their own.
func (s *Scenario) addAdversaries(rng *rand.Rand) {
	s.Adversaries = make([]Adversary, len(s.Keys))
	if rng.IntN(2) == 0 {
		return
	}
	for _, i := range rng.Perm(len(s.Keys)) {
		if i == 0 {
			continue
		}
		s.Adversaries[i] = randomAdversary(rng)
		for _, e := range s.Epochs {
			if 3*s.stake(e.Set, s.byzantine) >= e.Set.Total() {
				s.Adversaries[i] = nil
			}
		}
	}
}

func (s *Scenario) byzantine(i int) bool { return s.Adversaries[i] != nil }

// stake sums up the stakes of the nodes that are meant.
func (s *Scenario) stake(set *types.ValidatorSet, meant func(i int) bool) (sum uint64) {
	for i, key := range s.Keys {
		if v, ok := set.ByKey(key); ok && meant(i) {
			sum += v.Stake
		}
	}
	return sum
}

func (s *Scenario) addGuests(rng *rand.Rand) {
	if rng.IntN(3) > 0 {
		return
	}
	for i := range 1 + rng.IntN(4) {
		s.Guests = append(s.Guests, Guest{Key: fakeKey("guest", s.Seed, i), Host: rng.IntN(len(s.Keys)), Weight: 1 + rng.Uint64N(20)})
	}
}

// set returns the validators of a height.
func (s *Scenario) set(height uint64) *types.ValidatorSet {
	set := s.Epochs[0].Set
	for _, e := range s.Epochs {
		if e.From <= height {
			set = e.Set
		}
	}
	return set
}

// String describes the scenario, as the head of a trace.
func (s *Scenario) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed %d: %d nodes, %d heights, interval %v, propose timeout %v, delay to %v, sync to %v, execute to %v, notice %d, real draw %v, %d guests, healed at %v\n",
		s.Seed, len(s.Keys), s.Heights, s.Interval, s.ProposeTimeout, s.Delay.To, s.Sync.To, s.Execute.To, s.Notice, s.RealDraw, len(s.Guests), s.Heal)
	for i, key := range s.Keys {
		fmt.Fprintf(&out, "n%d %s candidates %.1f within %v", i, key.Short(), s.Rules[i].Chance, s.Rules[i].Delay.To)
		if s.byzantine(i) {
			fmt.Fprintf(&out, ", byzantine: %v", s.Adversaries[i])
		}
		out.WriteByte('\n')
	}
	for _, e := range s.Epochs {
		fmt.Fprintf(&out, "from height %d:", e.From)
		for i, key := range s.Keys {
			v, _ := e.Set.ByKey(key)
			fmt.Fprintf(&out, " n%d:%d", i, v.Stake)
		}
		out.WriteByte('\n')
	}
	for _, f := range s.Faults {
		fmt.Fprintf(&out, "fault: %v\n", f)
	}
	return out.String()
}
