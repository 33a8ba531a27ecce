package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Splitter is one of a coalition that shows each of two sides a world of its
// own: a proposer shows each side a block of its own, and all vote on each side
// for what that side was shown. So a side is told one story by all of them,
// which with more than a third of the stake forks the chain.
type Splitter struct {
	honest
	Sides Sides
}

func (Splitter) String() string { return "splitter" }

// Act implements Adversary.
func (s Splitter) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SignProposal:
		p := n.signedProposal(a.Proposal)
		q := p
		if p.ValidRound == types.NoRound {
			q = n.propose(n.twinBlock(p))
			n.w.split[p.Block()] = q.Block()
		}
		s.tellSides(n, p, q)
		return true
	case consensus.SignVote:
		ours := n.newVote(a.Kind, a.Height, a.Round, a.Block)
		theirs := ours
		if other, ok := n.w.split[a.Block]; ok {
			theirs = n.newVote(a.Kind, a.Height, a.Round, other)
		}
		s.tellSides(n, ours, theirs)
		return true
	}
	return false
}

// tellSides tells one side one thing and the other another. The coalition
// follows the first.
func (s Splitter) tellSides(n *node, a, b any) {
	for to := range n.w.nodes {
		if s.Sides.has(to) && !n.w.byzantine(to) {
			n.w.net.send(n.index, to, b)
		} else {
			n.w.net.send(n.index, to, a)
		}
	}
	n.after(0, func() { n.step(arrived(a)) })
}
