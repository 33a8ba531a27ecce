package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// hear takes in what a peer sent, an adversary in its own way.
func (n *node) hear(from int, m any) {
	n.w.trace.message(n.w, n.index, "hears ", m)
	if n.adversary == nil || !n.adversary.Hear(n, from, m) {
		n.receive(from, m)
	}
}

// receive takes in a message. Nothing of it is believed before it was checked,
// as in the engine.
func (n *node) receive(from int, m any) {
	switch m := m.(type) {
	case raw:
		if decoded := m.decode(); decoded != nil {
			n.receive(from, decoded)
		}
	case *types.Proposal, *types.Vote, *types.Candidate, *types.Pass:
		if e := n.checked(m); e != nil {
			n.step(e)
		}
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

// checked returns the event of a signed message, or nil for one of another
// height than is at work or next, of nobody, or that somebody else signed.
func (n *node) checked(m any) consensus.Event {
	switch m := m.(type) {
	case *types.Proposal:
		if v, ok := check(n, m, m.Height, m.Validator, m.Signature); ok && m.CheckForm() == nil {
			return consensus.ProposalArrived{Proposal: v}
		}
	case *types.Vote:
		if v, ok := check(n, m, m.Height, m.Validator, m.Signature); ok {
			n.w.check.heard(n, m)
			return consensus.VoteArrived{Vote: v}
		}
	case *types.Candidate:
		if v, ok := check(n, m, m.Height, m.Validator, m.Signature); ok {
			return consensus.CandidateArrived{Candidate: v}
		}
	case *types.Pass:
		if v, ok := check(n, m, m.Height, m.Validator, m.Signature); ok {
			return consensus.PassArrived{Pass: v}
		}
	}
	return nil
}

// check verifies a message of the height at work or the next.
func check[M message](n *node, m M, height uint64, signer types.PublicKey, sig types.Signature) (v types.Verified[M], ok bool) {
	if height != n.height() && height != n.height()+1 {
		return v, false
	}
	return verify(n.w.keys, m, signer, sig, n.w.set(height))
}

// raw is bytes of a link that claim to be a message.
type raw struct {
	kind  p2p.Kind
	bytes []byte
}

// decode returns the message, or nil where there is none.
func (r raw) decode() any {
	switch r.kind {
	case p2p.KindProposal:
		return orNil(types.DecodeProposal(r.bytes))
	case p2p.KindVote:
		v, err := types.DecodeVote(r.bytes)
		return orNil(&v, err)
	case p2p.KindCandidate:
		c, err := types.DecodeCandidate(r.bytes)
		return orNil(&c, err)
	case p2p.KindPass:
		p, err := types.DecodePass(r.bytes)
		return orNil(&p, err)
	case p2p.KindSummary:
		if s, err := consensus.DecodeSummary(r.bytes); err == nil {
			return s
		}
	}
	return nil
}

func orNil[M any](m *M, err error) any {
	if err != nil {
		return nil
	}
	return m
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
