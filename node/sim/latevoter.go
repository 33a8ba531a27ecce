package sim

import (
	"fmt"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// LateVoter votes as it should, but tells the others so late that the round, or
// the height, may be over.
type LateVoter struct{ Late Range }

func (a LateVoter) String() string { return fmt.Sprintf("late voter by up to %v", a.Late.To) }

// Begin implements Adversary.
func (LateVoter) Begin(*node) {}

// Hear implements Adversary.
func (LateVoter) Hear(*node, int, any) bool { return false }

// Act implements Adversary.
func (a LateVoter) Act(n *node, action consensus.Action) bool {
	switch act := action.(type) {
	case consensus.SignVote:
		v := n.newVote(act.Kind, act.Height, act.Round, act.Block)
		n.after(a.Late.pick(n.w.rng), func() { n.broadcast(v) })
		n.after(0, func() { n.step(arrived(v)) })
		return true
	case consensus.SendTo: // what it holds back is not handed on either
		v, ok := act.Message.(*types.Vote)
		return ok && v.Validator == n.key
	}
	return false
}
