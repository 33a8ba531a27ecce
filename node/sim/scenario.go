package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	Keys           []types.PublicKey // of the nodes; twins have the same
	Rules          []CandidateRule   // of the nodes
	Adversaries    []Adversary       // of the nodes; nil: honest
	Guests         []Guest
	RealDraw       bool          // the lottery package's, else a plain shuffle
	RealDisks      bool          // data is kept with the package storage
	Leaders        []int         // if not nil: whose turns they are, at all heights, instead of a draw
	RealKeys       bool          // ed25519, else hashes stand for signatures
	Interval       time.Duration // minBlockInterval
	ProposeTimeout time.Duration
	Start          Range // when nodes start
	Delay          Range // of a message
	Sync           Range // of a write to disk
	Execute        Range // of a block's check
	Notice         Notice
	Faults         []Fault
	Heal           time.Duration // when all faults are over
	Bound          time.Duration // the longest pause in commits after that
	FullPools      bool          // a node has all records of a proposed block, else mostly
	MayFork        bool          // so many are byzantine that honest nodes must keep what they hear
	// Loses, if not nil, tells which messages get lost besides.
	Loses func(w *World, from, to int, message any) bool
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

func (s *Scenario) byzantine(i int) bool { return s.Adversaries[i] != nil }

// stake sums up the stakes of the validators one of whose nodes is meant.
func (s *Scenario) stake(set *types.ValidatorSet, meant func(i int) bool) (sum uint64) {
	for _, v := range set.List() {
		if slices.ContainsFunc(s.nodesOf(v.Key), meant) {
			sum += v.Stake
		}
	}
	return sum
}

// nodesOf returns the nodes that run with a key.
func (s *Scenario) nodesOf(key types.PublicKey) (nodes []int) {
	for i, k := range s.Keys {
		if k == key {
			nodes = append(nodes, i)
		}
	}
	return nodes
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
