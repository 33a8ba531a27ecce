package sim

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// Garbler speaks garbage: bytes that are no message, or were one before it
// changed, cut or prolonged them.
type Garbler struct{ honest }

func (Garbler) String() string { return "garbler" }

// Begin implements Adversary.
func (Garbler) Begin(n *node) {
	for range 6 {
		n.after(Range{0, 300 * time.Millisecond}.pick(n.w.rng), func() { n.broadcast(n.garbage()) })
	}
}

// Act implements Adversary: half of what it should say is garbled.
func (Garbler) Act(n *node, action consensus.Action) bool {
	if a, ok := action.(consensus.SendSummary); ok && n.w.rng.IntN(2) == 0 {
		n.broadcast(n.garble(raw{p2p.KindSummary, a.Summary.Encode()}))
		return true
	}
	return false
}

// garbage returns bytes that begin their life as noise or as a message.
func (n *node) garbage() raw {
	rng, height, round := n.w.rng, n.height(), uint32(n.w.rng.IntN(2))
	switch rng.IntN(5) {
	case 0:
		noise := make([]byte, rng.IntN(200))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		return raw{p2p.Kind(rng.IntN(int(p2p.KindStatus) + 2)), noise}
	case 1:
		return n.garble(raw{p2p.KindCandidate, n.newCandidate(height).Encode()})
	case 2:
		return n.garble(raw{p2p.KindPass, n.newPass(height, round).Encode()})
	case 3:
		turn := consensus.Turn{Winner: n.key, Proposer: n.key}
		return n.garble(raw{p2p.KindProposal, n.propose(n.w.makeBlock(height, round, n.prev(), turn, n.now(), true)).Encode()})
	}
	return n.garble(raw{p2p.KindVote, n.newVote(types.VoteKind(1+rng.IntN(2)), height, round, n.w.someBlock(height)).Encode()})
}

// garble changes, cuts or prolongs a message, or leaves it.
func (n *node) garble(r raw) raw {
	rng := n.w.rng
	switch rng.IntN(4) {
	case 0:
		r.bytes = r.bytes[:rng.IntN(len(r.bytes))]
	case 1:
		r.bytes = append(r.bytes, byte(rng.Uint32()))
	case 2:
		for range 1 + rng.IntN(3) {
			r.bytes[rng.IntN(len(r.bytes))] ^= 1 << rng.IntN(8)
		}
	}
	return r
}
