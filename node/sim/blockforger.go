package sim

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// BlockForger serves forged blocks to whoever asks for blocks or for the records
// of one.
type BlockForger struct{ honest }

func (BlockForger) String() string { return "forger of blocks" }

// Hear implements Adversary.
func (BlockForger) Hear(n *node, from int, message any) bool {
	switch m := message.(type) {
	case bodyWanted:
		n.w.net.send(n.index, from, bodyFound{n.forgeBody(m.block)})
		return true
	case blocksWanted:
		var forged []committed
		for height := m.from; height < m.from+uint64(1+n.w.rng.IntN(batchSize)); height++ {
			forged = append(forged, n.forgeBlock(height))
		}
		n.w.net.send(n.index, from, blocksFound{forged})
		return true
	}
	return false
}

// Act implements Adversary: it says that it is ahead, so that it is asked.
func (BlockForger) Act(n *node, action consensus.Action) bool {
	if a, ok := action.(consensus.SendSummary); ok {
		a.Summary.Height += 2 + n.w.rng.Uint64N(20)
		n.broadcast(a.Summary)
		return true
	}
	return false
}

// forgeBody returns other records, or another header, under a block's hash.
func (n *node) forgeBody(hash types.Hash) *block {
	forged := block{hash: hash}
	if b := n.w.bodies[hash]; b != nil {
		forged = *b
	}
	if n.w.rng.IntN(2) == 0 {
		forged.ids = append(forged.ids[:len(forged.ids):len(forged.ids)], n.w.noBlock())
	} else {
		forged.header.State = n.w.noBlock()
	}
	return &forged
}

// forgeBlock returns a block that nobody agreed on, with something beside it
// that looks like a certificate.
func (n *node) forgeBlock(height uint64) committed {
	rng := n.w.rng
	if height <= n.head() {
		real := n.disk.chain[height-1]
		switch rng.IntN(3) {
		case 0: // the block is another
			forged := *real.block
			forged.header.State = n.w.noBlock()
			return committed{&forged, real.certificate}
		case 1: // so are its records
			forged := *real.block
			forged.ids = []types.Hash{n.w.noBlock()}
			return committed{&forged, real.certificate}
		}
	}
	turn := consensus.Turn{Winner: n.key, Proposer: n.key}
	b := n.w.makeBlock(height, 0, n.prev(), turn, n.now(), true)
	return committed{b, n.forgeCertificate(b)}
}

// forgeCertificate signs for everybody: itself as often as need be, the others
// with its own key, or with what they signed for another block.
func (n *node) forgeCertificate(b *block) types.Certificate {
	c := types.Certificate{Height: b.header.Height, Block: b.hash}
	way := n.w.rng.IntN(3)
	for i, key := range n.w.Keys {
		own := n.newVote(types.Precommit, c.Height, 0, b.hash).Signature
		s := types.CertificateSignature{Validator: key, Signature: own}
		switch head := n.head(); {
		case way == 0:
			s.Validator = n.key
		case way == 1 && head > 0 && key != n.key:
			old := n.disk.chain[head-1].certificate.Signatures
			s.Signature = old[i%len(old)].Signature
		}
		c.Signatures = append(c.Signatures, s)
	}
	return c
}
