package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// receive takes in what a peer sent.
func (n *node) receive(from int, message any) {
	n.note("hears " + describe(message))
	switch m := message.(type) {
	case *types.Proposal:
		if n.knows(m.Height, m.Validator) && m.CheckForm() == nil {
			n.step(arrived(m))
		}
	case *types.Vote:
		n.hear(m.Height, m.Validator, m)
	case *types.Candidate:
		n.hear(m.Height, m.Validator, m)
	case *types.Pass:
		n.hear(m.Height, m.Validator, m)
	case consensus.Summary:
		n.receiveSummary(from, m)
	case bodyWanted:
		n.answerBody(from, m.block)
	case bodyFound:
		n.takeBody(m.block)
	case blocksWanted:
		n.answerBlocks(from, m.from)
	case blocksFound:
		n.takeBlocks(m.blocks)
	}
}

func (n *node) hear(height uint64, validator types.PublicKey, message any) {
	if n.knows(height, validator) {
		n.step(arrived(message))
	}
}

// knows is what is left of the verification of a signature: that the signer is
// a validator of the height at work or of the next.
func (n *node) knows(height uint64, validator types.PublicKey) bool {
	if height != n.height() && height != n.height()+1 {
		return false
	}
	_, ok := n.w.set(height).Find(validator)
	return ok
}

// receiveSummary takes it through its encoding, as a wire does.
func (n *node) receiveSummary(from int, s consensus.Summary) {
	decoded, err := consensus.DecodeSummary(s.Encode())
	if err != nil {
		if n.w.Adversaries[from] == nil {
			n.w.fail("n%d sent a summary that cannot be read: %v", from, err)
		}
		return
	}
	if n.watch != nil {
		n.watch.hear(from, decoded.Height)
	}
	n.step(consensus.SummaryArrived{From: n.w.Keys[from], Summary: decoded})
}

// watch is how a node without its disk waits before it votes: until two
// heights beyond what it hears the others are at, which is past all that it
// may have signed in the life it forgot.
type watch struct {
	n      *node
	heard  []bool
	target uint64
}

func newWatch(n *node) *watch { return &watch{n: n, heard: make([]bool, len(n.w.Keys))} }

// hear notes how far an honest peer is.
func (t *watch) hear(from int, height uint64) {
	if t.n.w.byzantine(from) || t.heard[from] {
		return
	}
	t.heard[from] = true
	t.target = max(t.target, height+2)
}

// over reports whether the node may vote at a height.
func (t *watch) over(height uint64) bool {
	for i, heard := range t.heard {
		if i != t.n.index && !heard && !t.n.w.byzantine(i) {
			return false
		}
	}
	return height >= t.target
}
