package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Equivocator votes and proposes differently to different peers.
type Equivocator struct{ honest }

func (Equivocator) String() string { return "equivocator" }

// Act implements Adversary.
func (Equivocator) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SignVote:
		other := n.w.someBlock(a.Height)
		n.tellDifferently(n.newVote(a.Kind, a.Height, a.Round, a.Block), n.newVote(a.Kind, a.Height, a.Round, other))
		return true
	case consensus.SignProposal:
		p := n.signedProposal(a.Proposal)
		q := p
		if p.ValidRound == types.NoRound {
			q = n.propose(n.twinBlock(p))
		}
		n.tellDifferently(p, q)
		return true
	}
	return false
}

// DoubleVoter votes twice in each round, and tells everybody.
type DoubleVoter struct{ honest }

func (DoubleVoter) String() string { return "double voter" }

// Act implements Adversary.
func (DoubleVoter) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignVote)
	if !ok {
		return false
	}
	n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, a.Block))
	if other := n.w.someBlock(a.Height); other != a.Block {
		n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, other))
	}
	return true
}
