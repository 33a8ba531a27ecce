package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Unlocker makes a block of its turn that nobody gets to see, and tells everybody that
// it saw no quorum of prevotes: the others may then be locked on a block that they cannot
// decide without each other. In a later turn it, or another of its kind, proposes a block
// that they are not locked on, and names a valid round that this never had.
type Unlocker struct{ YesMan }

func (Unlocker) String() string { return "unlocker" }

// Act implements Adversary.
func (u Unlocker) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SignProposal:
		p := a.Proposal
		if b := n.otherBlock(p); b != nil {
			p = n.forgedRound(b, p.Round)
		} else {
			turns := n.w.order(p.Height, n.prev())
			n.w.makeBlock(p.Height, p.Round, n.prev(), turns.At(int(p.Round)%turns.Len()), p.Header.Time, true)
		}
		n.publishSoon(n.signedProposal(p))
		return true
	case consensus.SignVote:
		if a.Kind == types.Precommit {
			n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, types.Hash{}))
			return true
		}
	}
	return u.YesMan.Act(n, action)
}

// otherBlock returns a block of an earlier round that is not the one proposed, or nil.
func (n *node) otherBlock(p *types.Proposal) *block {
	made := n.w.made[p.Height]
	for _, i := range n.w.rng.Perm(len(made)) {
		if b := made[i]; b.header.Round < p.Round && b.hash != p.Block() {
			return b
		}
	}
	return nil
}
