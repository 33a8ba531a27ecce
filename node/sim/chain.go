package sim

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// How a node gets at bodies and blocks: asking again after a while, so many
// blocks at a time.
var (
	askAgain  = Range{40 * time.Millisecond, 150 * time.Millisecond}
	batchSize = 8
	// poolChance is how often a pool holds all records of a proposed block.
	poolChance = 0.8
)

// build makes a block for an own turn, if there is a candidate. A guest's turn
// is of no use without a reading.
func (n *node) build(a consensus.BuildBlock) {
	reading := a.Winner == n.key || n.w.rng.IntN(2) == 0
	n.after(n.w.Execute.pick(n.w.rng), func() {
		answer := consensus.BlockBuilt{Height: a.Height, Round: a.Round}
		if n.ready && reading && n.height() == a.Height {
			turn := consensus.Turn{Winner: a.Winner, Proposer: n.key}
			b := n.w.makeBlock(a.Height, a.Round, n.prev(), turn, n.now(), true)
			n.bodies[b.hash] = b
			answer.Block, answer.RecordIDs = &b.header, b.ids
		}
		n.step(answer)
	})
}

// checkBlock answers whether a block is valid, once its body is here.
func (n *node) checkBlock(hash types.Hash) {
	height := n.height()
	if full := n.w.rng.Float64() < poolChance || n.w.FullPools; full && !n.w.hidden[hash] {
		n.bodies[hash] = n.w.bodies[hash]
	}
	n.whenBody(hash, height, func(b *block) {
		n.after(n.w.Execute.pick(n.w.rng), func() {
			if n.height() == height {
				ahead := time.Duration(b.header.Time - n.now())
				n.step(consensus.BlockChecked{Block: hash, Valid: b.sound(n.prev()) && ahead <= maxDrift})
			}
		})
	})
}

// whenBody calls do when the body of a block is here, and asks some peer for
// it as long as it is not, while the height is at work.
func (n *node) whenBody(hash types.Hash, height uint64, do func(*block)) {
	if n.height() != height {
		return
	}
	if b := n.bodies[hash]; b != nil {
		do(b)
		return
	}
	n.w.net.send(n.index, n.w.rng.IntN(len(n.w.nodes)), bodyWanted{hash})
	n.after(askAgain.pick(n.w.rng), func() { n.whenBody(hash, height, do) })
}

func (n *node) answerBody(to int, hash types.Hash) {
	b := n.bodies[hash]
	if h := n.head(); b == nil && h > 0 && n.disk.chain[h-1].block.hash == hash {
		b = n.disk.chain[h-1].block
	}
	if b != nil {
		n.w.net.send(n.index, to, bodyFound{b})
	}
}

// takeBody keeps a body, if it is the block's own.
func (n *node) takeBody(b *block) {
	if b.whole() {
		n.bodies[b.hash] = b
	}
}

// decide commits the block of a certificate when its body is here.
func (n *node) decide(c types.Certificate) {
	n.note("decides " + c.Block.Short())
	if n.w.ambush != nil && n.adversary == nil {
		n.w.ambush(n)
	}
	n.whenBody(c.Block, c.Height, func(b *block) {
		n.after(n.w.Sync.pick(n.w.rng), func() {
			if n.height() == c.Height {
				if n.commit(committed{b, c}) {
					n.beginHeight(n.w.Interval, nil)
				}
			}
		})
	})
}

// commit writes a block to disk, and forgets what its height needed. It returns
// false if the node died of it.
func (n *node) commit(b committed) bool {
	n.note("commits " + b.block.hash.Short())
	if r := n.disk.real; r != nil && !n.stored(r.commit(b)) {
		return false
	}
	before := n.w.lowest()
	n.w.check.commit(n, b)
	n.disk.chain = append(n.disk.chain, b)
	n.disk.log, n.bodies = nil, map[types.Hash]*block{}
	if n.w.lowest() > before {
		n.w.advanced()
	}
	return true
}

// catchUp asks a peer that is ahead for blocks. Chance has its say, or a peer
// that never answers might always be the first to say that it is ahead.
func (n *node) catchUp(a consensus.Behind) {
	if n.w.now < n.fetching || n.w.rng.IntN(2) == 0 {
		return
	}
	n.fetching = n.w.now + askAgain.To
	n.sendTo(a.From, blocksWanted{n.height()})
}

func (n *node) answerBlocks(to int, from uint64) {
	if from == 0 || from > n.head() {
		return
	}
	last := min(n.head(), from+uint64(batchSize)-1)
	n.w.net.send(n.index, to, blocksFound{n.disk.chain[from-1 : last]})
}

// takeBlocks commits fetched blocks, each of which its certificate vouches for.
func (n *node) takeBlocks(blocks []committed) {
	before := n.head()
	for _, b := range blocks {
		c := &b.certificate
		if c.Height == n.height() && c.Block == b.block.hash && b.block.whole() && n.certified(c) == nil {
			if !n.commit(b) {
				return
			}
			n.w.counts.Fetched++
		}
	}
	if n.head() > before {
		n.fetching = 0
		n.beginHeight(0, nil)
	}
}

// certified checks a certificate as the engine does, where the keys are real.
func (n *node) certified(c *types.Certificate) error {
	if n.w.RealKeys {
		return c.Verify(n.w.keys.network, n.w.set(c.Height))
	}
	return n.w.check.certified(c)
}
