package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// checker holds all that honest nodes ever signed and committed against what
// must be true. It counts stake in its own, plain way.
type checker struct {
	w     *World
	chain []types.Hash // what was committed first at each height
	votes map[purpose]map[int]types.Hash
	locks map[int]types.Vote             // the last precommit of each node for a block
	known map[uint64]map[types.Vote]bool // by height: what honest nodes hold; kept where forks are to be expected
}

func newChecker(w *World) *checker {
	return &checker{w: w, votes: map[purpose]map[int]types.Hash{}, locks: map[int]types.Vote{}, known: map[uint64]map[types.Vote]bool{}}
}

// heard is told of each vote that a node takes in.
func (c *checker) heard(n *node, v *types.Vote) {
	if !c.w.MayFork || n.adversary != nil {
		return
	}
	if c.known[v.Height] == nil {
		c.known[v.Height] = map[types.Vote]bool{}
	}
	c.known[v.Height][*v] = true
}

// signed is told of each message that an honest node signs, crashes and lost
// disks notwithstanding.
func (c *checker) signed(n *node, message any) {
	if n.adversary != nil {
		return
	}
	c.w.counts.Signed++
	if n.watch != nil {
		c.w.fail("n%d signed %s while it only watches", n.index, describe(message))
	}
	p := purposeOf(message)
	if c.votes[p] == nil {
		c.votes[p] = map[int]types.Hash{}
	}
	if old, ok := c.votes[p][n.index]; ok && old != content(message) {
		c.w.fail("n%d signed %s, but before %s for the same purpose", n.index, describe(message), old.Short())
	}
	c.votes[p][n.index] = content(message)
	switch m := message.(type) {
	case *types.Vote:
		c.heard(n, m)
		if m.Kind == types.Precommit && !m.Block.IsZero() {
			c.justified(n, m)
			if old := c.locks[n.index]; old.Height == m.Height && old.Block != m.Block {
				c.w.counts.Unlocked++
			}
			c.locks[n.index] = *m
		}
		if m.Kind == types.Prevote && !m.Block.IsZero() {
			c.faithful(n, m)
		}
	case *types.Proposal:
		if m.ValidRound != types.NoRound {
			c.w.counts.Reproposed++
		}
	}
}

// justified checks that a precommit has a quorum of prevotes behind it.
func (c *checker) justified(n *node, v *types.Vote) {
	if stake, total := c.prevoted(v.Height, v.Round, v.Block); 3*stake <= 2*total {
		c.w.fail("n%d signed %s, and at most %d of %d prevoted it", n.index, describe(v), stake, total)
	}
}

// faithful checks that a node that has precommitted a block prevotes another only
// if a quorum prevoted that one since: a lock that is forgotten is noticed long
// before it leads to a fork.
func (c *checker) faithful(n *node, v *types.Vote) {
	lock := c.locks[n.index]
	if lock.Height != v.Height || lock.Block == v.Block {
		return
	}
	for round := lock.Round; round < v.Round; round++ {
		if stake, total := c.prevoted(v.Height, round, v.Block); 3*stake > 2*total {
			return
		}
	}
	c.w.fail("n%d signed %s, but is bound by %s", n.index, describe(v), describe(&lock))
}

// prevoted returns how much stake may have prevoted a block in a round, and how
// much there is; what byzantine nodes prevoted, nobody knows.
func (c *checker) prevoted(height uint64, round uint32, block types.Hash) (stake, total uint64) {
	prevotes, set := c.votes[purpose{height, round, types.Prevote}], c.w.set(height)
	stake = c.w.stake(set, func(i int) bool {
		voted, ok := prevotes[i]
		return c.w.byzantine(i) || ok && voted == block
	})
	return stake, set.Total()
}

// commit is told of each block that a node commits.
func (c *checker) commit(n *node, b committed) {
	if n.adversary != nil {
		return
	}
	h := &b.block.header
	height := n.height()
	switch {
	case h.Height != height || b.certificate.Height != height:
		c.w.fail("n%d commits a block of height %d as height %d", n.index, h.Height, height)
	case b.certificate.Block != b.block.hash || h.Hash() != b.block.hash:
		c.w.fail("n%d commits a block at height %d that is not its certificate's", n.index, height)
	case !b.block.sound(n.prev()):
		c.w.fail("n%d commits an invalid block at height %d", n.index, height)
	}
	if err := c.certified(&b.certificate); err != nil {
		c.w.fail("n%d commits height %d: %v", n.index, height, err)
	}
	for _, s := range b.certificate.Signatures {
		c.heard(n, &types.Vote{Kind: types.Precommit, Height: height, Round: b.certificate.Round, Block: b.certificate.Block, Validator: s.Validator, Signature: s.Signature})
	}
	if uint64(len(c.chain)) >= height && c.chain[height-1] != b.block.hash {
		c.forked(n, height, b.block.hash)
	}
	c.w.counts.Commits++
	if b.certificate.Round > 0 {
		c.w.counts.LateRounds++
	}
	if uint64(len(c.chain)) < height {
		c.chain = append(c.chain, b.block.hash)
		c.w.counts.Heights++
	}
}

// forked is told of the first block that is not the one another node has. Where
// that may be, what the honest nodes hold must tell who is to blame.
func (c *checker) forked(n *node, height uint64, hash types.Hash) {
	c.w.fail("n%d commits %s at height %d, where another node has committed %s", n.index, hash.Short(), height, c.chain[height-1].Short())
	c.w.fork = &Fork{Height: height}
	if c.w.MayFork {
		c.w.fork.Culprits = consensus.Culprits(c.w.set(height), slices.Collect(maps.Keys(c.known[height])))
	}
}

// certified counts a certificate the plain way: every signature is of a
// precommit for the block, nobody's counts twice, and three times the stake is
// more than two times the total.
func (c *checker) certified(cert *types.Certificate) error {
	set := c.w.set(cert.Height)
	var stake, total uint64
	for i, s := range cert.Signatures {
		v := &types.Vote{Kind: types.Precommit, Height: cert.Height, Round: cert.Round, Block: cert.Block, Validator: s.Validator}
		if _, ok := verify(c.w.keys, v, s.Validator, s.Signature, set); !ok {
			return fmt.Errorf("the certificate's signature of %s is wrong", s.Validator.Short())
		}
		if i > 0 && string(cert.Signatures[i-1].Validator[:]) >= string(s.Validator[:]) {
			return fmt.Errorf("the certificate's signatures are not in the order of the keys")
		}
	}
	for _, v := range set.List() {
		total += v.Stake
		for _, s := range cert.Signatures {
			if s.Validator == v.Key {
				stake += v.Stake
			}
		}
	}
	if 3*stake <= 2*total {
		return fmt.Errorf("the certificate counts %d of %d", stake, total)
	}
	return nil
}

// evidence is told of each report of evidence: it must be true, and never
// speak against an honest node.
func (c *checker) evidence(n *node, e types.Evidence) {
	a, b := e.First, e.Second
	if n.adversary == nil {
		c.w.counts.Evidence++
	}
	if a.Validator != b.Validator || a.Kind != b.Kind || a.Height != b.Height || a.Round != b.Round || a.Block == b.Block {
		c.w.fail("n%d reports two votes that do not contradict each other", n.index)
	}
	for i, key := range c.w.Keys {
		if key == a.Validator && !c.w.byzantine(i) {
			c.w.fail("n%d reports the honest n%d", n.index, i)
		}
	}
}

// survived is told of what a node finds on its disk after a failure: all that was
// acknowledged, and of what was not the last write at most.
func (c *checker) survived(n *node, found disk) {
	if n.adversary != nil {
		return
	}
	had := n.disk
	switch head := len(found.chain); {
	case head < len(had.chain):
		c.w.fail("n%d lost block %d, which was acknowledged", n.index, len(had.chain))
		return
	case head > len(had.chain)+1:
		c.w.fail("n%d found %d blocks, and had written %d", n.index, head, len(had.chain))
	case head > len(had.chain):
		c.w.counts.Survived++
		c.commit(n, found.chain[head-1])
		return // what was signed before is final
	}
	for i, b := range had.chain {
		if found.chain[i].block.hash != b.block.hash {
			c.w.fail("n%d found another block %d than it had written", n.index, i+1)
		}
	}
	for i := range had.log {
		if again := found.find(had.log[i].message); again == nil || content(again.message) != content(had.log[i].message) {
			c.w.fail("n%d lost %s, which it had signed", n.index, describe(had.log[i].message))
		}
	}
	for _, e := range found.log {
		if had.find(e.message) == nil {
			c.w.counts.Survived++
			c.signed(n, e.message)
		}
	}
	if len(found.log) > len(had.log)+1 {
		c.w.fail("n%d found %d signed messages, and had written %d", n.index, len(found.log), len(had.log))
	}
}
