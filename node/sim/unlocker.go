package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Unlocker proposes one block and keeps another of the same turn to itself; it
// lets some have its precommit and others think that there was no quorum. In later
// rounds, when they are locked on the first block, it proposes the second, or some
// other, and names a valid round that it never had.
type Unlocker struct{ RoundForger }

func (Unlocker) String() string { return "unlocker" }

// Act implements Adversary.
func (u Unlocker) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SignProposal:
		if a.Proposal.Round == 0 {
			p := n.signedProposal(a.Proposal)
			n.twinBlock(p)
			n.publishSoon(p)
			return true
		}
	case consensus.SignVote:
		if a.Kind == types.Precommit {
			n.tellDifferently(n.newVote(a.Kind, a.Height, a.Round, a.Block), n.newVote(a.Kind, a.Height, a.Round, types.Hash{}))
			return true
		}
	}
	return u.RoundForger.Act(n, action)
}
