package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Inventor proposes blocks that break a rule.
type Inventor struct{ honest }

func (Inventor) String() string { return "inventor of invalid blocks" }

// Act implements Adversary.
func (Inventor) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignProposal)
	if !ok || a.Proposal.ValidRound != types.NoRound {
		return false
	}
	turn := consensus.Turn{Winner: a.Proposal.Header.Winner, Proposer: n.key}
	b := n.w.makeBlock(a.Proposal.Height, a.Proposal.Round, n.prev(), turn, n.now(), false)
	n.bodies[b.hash] = b
	n.publishSoon(n.propose(b))
	return true
}
