package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// RoundForger proposes blocks of earlier rounds again and names valid rounds
// that they never had, and votes for them.
type RoundForger struct{ YesMan }

func (RoundForger) String() string { return "forger of valid rounds" }

// Act implements Adversary.
func (f RoundForger) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignProposal)
	if !ok {
		return f.YesMan.Act(n, action)
	}
	n.forgeRound(a.Proposal.Height, a.Proposal.Round)
	return true
}

// forgeRound proposes some block of an earlier round, if there was one.
func (n *node) forgeRound(height uint64, round uint32) {
	made := n.w.made[height]
	for _, i := range n.w.rng.Perm(len(made)) {
		if made[i].header.Round < round {
			n.publishSoon(n.signedProposal(n.forgedRound(made[i], round)))
			return
		}
	}
}

// forgedRound returns a proposal of a block that names the round before as its valid one.
func (n *node) forgedRound(b *block, round uint32) *types.Proposal {
	return &types.Proposal{Height: b.header.Height, Round: round, ValidRound: int64(round) - 1, Header: b.header, RecordIDs: b.ids}
}
