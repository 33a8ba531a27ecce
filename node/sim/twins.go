package sim

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// The Twins method (Bano et al., arXiv:2004.10617): four validators, some of
// which run twice, go through some rounds; for each round it is said who leads
// and who hears whom. All such scenarios are enumerated.

const (
	twinsValidators = 4
	twinsHeal       = 2 * time.Second // when all hear each other, if the rounds are not over before
)

// TwinsRound is one round of a Twins scenario: its leader, and which of two
// groups each node is in. What is said of the round is heard in the own group
// only, but for votes for nil, which let the rounds pass.
type TwinsRound struct {
	Leader int
	Groups Sides
}

// TwinsCase is a Twins scenario. Nodes 0 to 3 run the four validators; node 4
// runs validator 3 once more, and with two pairs node 5 validator 2.
type TwinsCase struct {
	Pairs  int // 1: less than a third of the stake is byzantine; 2: half of it
	Rounds []TwinsRound
	// Early: the groups change between prevotes and precommits, those of each
	// round being in force from the precommits of the round before. So locks come
	// about that are not known to all.
	Early bool
}

func (c TwinsCase) nodes() int { return twinsValidators + c.Pairs }

func (c TwinsCase) String() string {
	out := fmt.Sprintf("twins: %d pairs, early %v", c.Pairs, c.Early)
	for _, r := range c.Rounds {
		out += fmt.Sprintf(", n%d leads %0*b", r.Leader, c.nodes(), r.Groups)
	}
	return out
}

func (c TwinsCase) scenario() *Scenario {
	s := &Scenario{
		Heights: 2, ProposeTimeout: 100 * time.Millisecond, Delay: Range{time.Millisecond, time.Millisecond},
		Notice: NoticeNever, Heal: twinsHeal, Bound: 20 * time.Second, MayFork: c.Pairs > 1,
	}
	for i := range c.nodes() {
		validator := i
		if i >= twinsValidators {
			validator = 2*twinsValidators - 1 - i
		}
		s.Keys = append(s.Keys, s.validatorKey(validator))
		s.Rules = append(s.Rules, CandidateRule{Chance: 1})
		s.Adversaries = append(s.Adversaries, nil)
		if validator >= twinsValidators-c.Pairs {
			s.Adversaries[i] = Twin{}
		}
	}
	s.Epochs = []Epoch{{From: 1, Set: s.makeSet([]uint64{1, 1, 1, 1})}}
	for _, r := range c.Rounds {
		s.Leaders = append(s.Leaders, r.Leader)
	}
	s.Leaders = append(s.Leaders, 0, 1, 2, 3)
	return s
}

// Play plays the case. It tells how many of its rounds were begun: what is said
// of the others does not matter.
func (c TwinsCase) Play(out io.Writer) (r Result, begun int) {
	s := c.scenario()
	s.Loses = func(w *World, from, to int, message any) bool {
		height, round, ok := c.placeOf(message)
		if !ok || height != 1 || round >= len(c.Rounds) || c.over(w) {
			return false
		}
		begun = max(begun, round+1)
		groups := c.Rounds[round].Groups
		return groups.has(from) != groups.has(to)
	}
	return Run(s, out), begun
}

// placeOf returns the height of a message and the round whose groups it is
// subject to.
func (c TwinsCase) placeOf(message any) (height uint64, round int, ok bool) {
	switch m := message.(type) {
	case *types.Proposal:
		return m.Height, int(m.Round), true
	case *types.Vote:
		round = int(m.Round)
		if c.Early && m.Kind == types.Precommit {
			round++
		}
		return m.Height, round, !m.Block.IsZero()
	case consensus.Summary:
		return m.Height, int(m.Round), true
	}
	return 0, 0, false
}

// over reports whether all nodes hear each other again: the rounds of the case
// are over for all honest nodes, or it is time.
func (c TwinsCase) over(w *World) bool {
	if w.now >= w.Heal {
		return true
	}
	for _, n := range w.nodes {
		if n.adversary == nil && n.head() == 0 && (n.core == nil || n.core.View().Round < uint32(len(c.Rounds))) {
			return false
		}
	}
	return true
}

// TwinsShards is into how many parts AllTwins divides the cases of so many pairs.
func TwinsShards(pairs int) int { return 2 * twinsRounds(pairs) }

// twinsRounds is how many rounds differ: node 0 is always in group 0.
func twinsRounds(pairs int) int { return twinsValidators << (twinsValidators + pairs - 1) }

// AllTwins calls play for all cases of so many rounds that differ, or those of
// one shard of them, until it returns false. Play tells how many rounds were
// begun: cases that are the same up to there are left out, and so are those that
// differ from one before only in which of equal nodes is which.
func AllTwins(pairs, rounds, shard int, play func(TwinsCase) (begun int, ok bool)) {
	alike, each := alikeNodes(pairs), twinsRounds(pairs)
	c := TwinsCase{Pairs: pairs, Early: shard >= each, Rounds: make([]TwinsRound, rounds)}
	number := make([]int, rounds) // a digit for each round
	for number[0] = shard % each; number[0] == shard%each; {
		for k, n := range number {
			c.Rounds[k] = TwinsRound{n % twinsValidators, Sides(n / twinsValidators << 1)}
		}
		begun, ok := rounds, true
		if c.first(alike) {
			begun, ok = play(c)
		}
		if !ok || !increment(number, begun, each) {
			return
		}
	}
}

// increment adds one to a number at one of its first places, whose digits are
// below base; what follows becomes zero. It returns false at the end.
func increment(number []int, places, base int) bool {
	clear(number[places:])
	for k := places - 1; k >= 0; k-- {
		if number[k]++; number[k] < base {
			return true
		}
		number[k] = 0
	}
	return false
}

// alikeNodes returns the renamings of nodes that change nothing: honest nodes
// among themselves, twins among themselves, and with two pairs the pairs.
func alikeNodes(pairs int) (out [][]int) {
	all := []int{0, 1, 2, 3, 4, 5}[:twinsValidators+pairs]
	validator := func(i int) int {
		if i >= twinsValidators {
			return 2*twinsValidators - 1 - i
		}
		return i
	}
	permute(all, 0, func(p []int) {
		for i := range p {
			for j := range p {
				if (validator(i) == validator(j)) != (validator(p[i]) == validator(p[j])) {
					return
				}
			}
		}
		out = append(out, slices.Clone(p))
	})
	return out
}

// permute calls yield with each permutation of list, whose first ones are fixed.
func permute(list []int, fixed int, yield func([]int)) {
	if fixed == len(list) {
		yield(list)
	}
	for i := fixed; i < len(list); i++ {
		list[fixed], list[i] = list[i], list[fixed]
		permute(list, fixed+1, yield)
		list[fixed], list[i] = list[i], list[fixed]
	}
}

// first reports whether no renaming gives a case that comes before.
func (c TwinsCase) first(alike [][]int) bool {
	for _, p := range alike {
		for _, r := range c.Rounds {
			if d := r.renamed(p).compare(r); d < 0 {
				return false
			} else if d > 0 {
				break
			}
		}
	}
	return true
}

// renamed returns the round with each node i called p[i].
func (r TwinsRound) renamed(p []int) TwinsRound {
	out := TwinsRound{Leader: p[r.Leader]}
	if out.Leader >= twinsValidators {
		out.Leader = 2*twinsValidators - 1 - out.Leader
	}
	for i, to := range p {
		if r.Groups.has(i) {
			out.Groups |= 1 << to
		}
	}
	if out.Groups.has(0) { // the groups have no names of their own
		out.Groups ^= 1<<len(p) - 1
	}
	return out
}

func (r TwinsRound) compare(q TwinsRound) int {
	return 64*(r.Leader-q.Leader) + int(r.Groups) - int(q.Groups)
}
