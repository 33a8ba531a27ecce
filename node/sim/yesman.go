package sim

import "github.com/posnet/posnet/node/consensus"

// YesMan votes for whatever is proposed, be it locked on another block or not.
type YesMan struct{ honest }

func (YesMan) String() string { return "yes-man" }

// Act implements Adversary.
func (YesMan) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignVote)
	if !ok {
		return false
	}
	if a.Block.IsZero() {
		a.Block = n.w.someBlock(a.Height)
	}
	n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, a.Block))
	return true
}
