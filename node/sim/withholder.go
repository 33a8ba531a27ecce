package sim

import (
	"fmt"

	"github.com/posnet/posnet/node/consensus"
)

// Withholder proposes blocks whose records only it has, and gives them, and the
// blocks of its chain, to the nodes from a number on.
type Withholder struct {
	honest
	From int
}

func (a Withholder) String() string { return fmt.Sprintf("withholder from n%d on", a.From) }

// Act implements Adversary.
func (Withholder) Act(n *node, action consensus.Action) bool {
	if a, ok := action.(consensus.SignProposal); ok {
		n.w.hidden[a.Proposal.Block()] = true
	}
	return false
}

// Hear implements Adversary.
func (a Withholder) Hear(_ *node, from int, m any) bool { return isRequest(m) && from < a.From }
