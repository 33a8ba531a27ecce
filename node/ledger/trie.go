package ledger

import (
	"crypto/sha256"
	"math/bits"

	"github.com/posnet/posnet/node/types"
)

// trie is the compact sparse Merkle trie that the package comment defines. It
// keeps the hash of each leaf, not the value. Changes mark the nodes above them
// as stale; root hashes those again and no others.
type trie struct {
	inner slab[innerNode]
	leafs slab[leafNode]
	top   ref
	size  int
}

type leafNode struct{ path, hash types.Hash }

type innerNode struct {
	hash  types.Hash
	child [2]ref
	bit   uint8 // all paths below agree in the bits before this one
	stale bool
}

// ref names a node: its number in the slab, doubled, plus one for a leaf.
type ref uint32

func (r ref) isLeaf() bool   { return r&1 == 1 }
func (r ref) number() uint32 { return uint32(r >> 1) }

const (
	leafPrefix  = 0
	innerPrefix = 1
)

// hashKey returns the path of a key.
func hashKey(key []byte) types.Hash { return sha256.Sum256(key) }

// hashLeaf returns the hash of the leaf of a value at a path.
func hashLeaf(path types.Hash, value []byte) types.Hash {
	b := make([]byte, 0, 160) // most values fit, and then nothing is allocated
	b = append(b, leafPrefix)
	b = append(b, path[:]...)
	return sha256.Sum256(append(b, value...))
}

func hashInner(bit uint8, zeros, ones types.Hash) types.Hash {
	var b [66]byte
	b[0], b[1] = innerPrefix, bit
	copy(b[2:], zeros[:])
	copy(b[34:], ones[:])
	return sha256.Sum256(b[:])
}

// bitAt returns a bit of a path, counted from the highest of the first byte.
func bitAt(path *types.Hash, bit uint8) int { return int(path[bit>>3]>>(7-bit&7)) & 1 }

// firstDifference returns the first bit in which two paths differ, 256 if none.
func firstDifference(a, b *types.Hash) int {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return 8*i + bits.LeadingZeros8(x)
		}
	}
	return 256
}

// set gives the entry at path a new leaf hash, adding it if it is not there.
func (t *trie) set(path, hash types.Hash) {
	if t.size == 0 {
		t.top, t.size = t.newLeaf(path, hash), 1
		return
	}
	near := t.leafs.at(t.nearest(&path).number())
	split := firstDifference(&path, &near.path)
	if split == 256 {
		near.hash = hash
	}
	at := &t.top
	for !at.isLeaf() {
		n := t.inner.at(at.number())
		if int(n.bit) > split {
			break
		}
		n.stale = true
		at = &n.child[bitAt(&path, n.bit)]
	}
	if split < 256 {
		*at = t.fork(*at, t.newLeaf(path, hash), &path, uint8(split))
		t.size++
	}
}

// nearest follows path down to the one leaf that can have it.
func (t *trie) nearest(path *types.Hash) ref {
	at := t.top
	for !at.isLeaf() {
		n := t.inner.at(at.number())
		at = n.child[bitAt(path, n.bit)]
	}
	return at
}

func (t *trie) newLeaf(path, hash types.Hash) ref {
	return ref(t.leafs.add(leafNode{path: path, hash: hash})<<1 | 1)
}

// fork returns a new inner node over old and leaf, which part at bit.
func (t *trie) fork(old, leaf ref, path *types.Hash, bit uint8) ref {
	n := innerNode{bit: bit, stale: true}
	side := bitAt(path, bit)
	n.child[side], n.child[1-side] = leaf, old
	return ref(t.inner.add(n) << 1)
}

// remove takes the entry at path out, if it is there.
func (t *trie) remove(path types.Hash) {
	if t.size == 0 {
		return
	}
	leaf := t.nearest(&path)
	if t.leafs.at(leaf.number()).path != path {
		return
	}
	t.leafs.drop(leaf.number())
	t.size--
	if t.size == 0 {
		return
	}
	at, parent := &t.top, (*ref)(nil)
	for !at.isLeaf() {
		n := t.inner.at(at.number())
		n.stale = true
		parent, at = at, &n.child[bitAt(&path, n.bit)]
	}
	gone := parent.number()
	n := t.inner.at(gone)
	*parent = n.child[1-bitAt(&path, n.bit)]
	t.inner.drop(gone)
}

// root returns the digest of all entries.
func (t *trie) root() types.Hash {
	if t.size == 0 {
		return types.Hash{}
	}
	return t.hashOf(t.top)
}

func (t *trie) hashOf(r ref) types.Hash {
	if r.isLeaf() {
		return t.leafs.at(r.number()).hash
	}
	n := t.inner.at(r.number())
	if n.stale {
		n.hash = hashInner(n.bit, t.hashOf(n.child[0]), t.hashOf(n.child[1]))
		n.stale = false
	}
	return n.hash
}

// put sets the entry of a key to a value.
func (t *trie) put(key, value []byte) {
	path := hashKey(key)
	t.set(path, hashLeaf(path, value))
}

// apply makes changes.
func (t *trie) apply(changes []Change) {
	for _, c := range changes {
		if c.Value == nil {
			t.remove(hashKey(c.Key))
			continue
		}
		t.put(c.Key, c.Value)
	}
}
