package sim

import (
	"math/rand/v2"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Adversary is a validator that breaks the rules. It runs an honest node and
// does some things its own way. Each is in a file of its own.
type Adversary interface {
	// Begin is called at each height.
	Begin(n *node)
	// Act carries out an action in its own way, or returns false to leave it.
	Act(n *node, a consensus.Action) bool
	// Hear takes in a message in its own way, or returns false to leave it.
	Hear(n *node, from int, message any) bool
	String() string
}

// honest is what an adversary does where it has no other idea.
type honest struct{}

func (honest) Begin(*node)                      {}
func (honest) Act(*node, consensus.Action) bool { return false }
func (honest) Hear(*node, int, any) bool        { return false }

// randomAdversary draws an adversary that works alone; several of them may be
// at work in one network.
func randomAdversary(rng *rand.Rand) Adversary {
	all := []Adversary{
		Equivocator{}, DoubleVoter{}, Silent{}, Crier{}, YesMan{}, Withholder{From: rng.IntN(3)},
		LateVoter{Range{0, Range{0, 5 * time.Second}.pick(rng)}}, Inventor{}, RoundForger{},
		HeightLiar{}, BlockForger{}, Replayer{}, Flooder{Burst: 1 + rng.IntN(30)}, Garbler{}, Twin{},
		Splitter{Sides: Sides(rng.Uint64())}, Forgetter{Sides: Sides(rng.Uint64())},
	}
	return all[rng.IntN(len(all))]
}

// Sides is which of two sides each node is on: a bit for each.
type Sides uint64

func (s Sides) has(node int) bool { return s>>node&1 == 1 }

// randomCoalition makes the adversaries of nodes that work together.
func randomCoalition(rng *rand.Rand) func() Adversary {
	sides := Sides(rng.Uint64())
	all := []func() Adversary{
		func() Adversary { return Splitter{Sides: sides} },
		func() Adversary { return []Adversary{RoundForger{}, YesMan{}}[rng.IntN(2)] },
		func() Adversary { return []Adversary{BlockForger{}, HeightLiar{}, Withholder{From: 1}}[rng.IntN(3)] },
		func() Adversary { return Twin{} },
		func() Adversary { return Forgetter{Sides: sides} },
	}
	return all[rng.IntN(len(all))]
}

// someBlock returns the hash of some block made at a height, of none, or nil.
func (w *World) someBlock(height uint64) types.Hash {
	made := w.made[height]
	if k := w.rng.IntN(len(made) + 2); k < len(made) {
		return made[k].hash
	} else if k > len(made) {
		return w.noBlock()
	}
	return types.Hash{}
}

// tellDifferently sends each peer one of two messages, both, or neither.
func (n *node) tellDifferently(a, b any) {
	for to := range n.w.nodes {
		which := n.w.rng.IntN(8)
		if which != 0 && which < 5 {
			n.w.net.send(n.index, to, a)
		}
		if which >= 4 {
			n.w.net.send(n.index, to, b)
		}
	}
	n.after(0, func() { n.step(arrived(a)) })
}

// twinBlock makes another block for an own proposal's turn.
func (n *node) twinBlock(p *types.Proposal) *block {
	turn := consensus.Turn{Winner: p.Header.Winner, Proposer: n.key}
	b := n.w.makeBlock(p.Height, p.Round, n.prev(), turn, p.Header.Time, true)
	n.bodies[b.hash] = b
	return b
}

// signerOf returns whose message it is; nobody's if it is not signed.
func signerOf(m any) types.PublicKey {
	switch m := m.(type) {
	case *types.Proposal:
		return m.Validator
	case *types.Vote:
		return m.Validator
	case *types.Candidate:
		return m.Validator
	case *types.Pass:
		return m.Validator
	}
	return types.PublicKey{}
}
