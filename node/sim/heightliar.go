package sim

import "github.com/posnet/posnet/node/consensus"

// HeightLiar says that its chain is longer or shorter than it is, and gives
// whoever asks it for blocks none, or others.
type HeightLiar struct{ honest }

func (HeightLiar) String() string { return "liar about its height" }

// Act implements Adversary.
func (HeightLiar) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SendSummary:
		for to := range n.w.nodes {
			n.w.net.send(n.index, to, n.lie(a.Summary))
		}
		return true
	case consensus.SendTo:
		s, ok := a.Message.(consensus.Summary)
		if ok {
			n.sendTo(a.To, n.lie(s))
		}
		return ok
	}
	return false
}

// lie returns a summary of another height.
func (n *node) lie(s consensus.Summary) consensus.Summary {
	switch n.w.rng.IntN(4) {
	case 0:
		s.Height += 1 + n.w.rng.Uint64N(3)
	case 1:
		s.Height += n.w.rng.Uint64N(1 << 40)
	case 2:
		s.Height -= min(s.Height, n.w.rng.Uint64N(4))
	}
	return s
}

// Hear implements Adversary.
func (HeightLiar) Hear(n *node, from int, m any) bool {
	if _, ok := m.(blocksWanted); !ok {
		return false
	}
	if head := n.head(); head > 0 && n.w.rng.IntN(2) == 0 {
		some := n.w.rng.Uint64N(head)
		n.w.net.send(n.index, from, blocksFound{n.disk.chain[some:min(head, some+uint64(batchSize))]})
	}
	return true
}
