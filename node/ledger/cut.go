package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"sort"

	"github.com/posnet/posnet/node/types"
)

// A state that is handed on in pieces is cut along its trie: a part is all the
// entries below one node, and the outline is the trie above the parts. Whoever
// trusts the digest can check the outline by itself, and each part by the
// outline, so that nothing has to be taken on trust and nothing too large is
// ever held.
const (
	// partBytes is how large a part may be; one that is larger is cut again. A
	// frame holds it twice over, and a state of ten million accounts has some
	// two thousand.
	partBytes = 512 << 10
	// MaxPartBytes is the most that the entries of a part take with their lengths:
	// more only where a single entry is larger, and the largest is a set of a
	// hundred validators, 20 kB.
	MaxPartBytes = partBytes
	// MaxParts bounds the outline: 8 GB of state in parts, in 600 kB.
	MaxParts = 1 << 14
)

// What stands before a node of an outline.
const (
	outlinePart  = 0 // + root of the part's entries 32
	outlineInner = 1 // + bit 1, and then both sides
)

// cutLeaf is an entry of the state as the trie has it.
type cutLeaf struct {
	path, hash types.Hash
	size       int
}

func newCutLeaf(key, value []byte) cutLeaf {
	path := hashKey(key)
	return cutLeaf{path, hashLeaf(path, value), 8 + len(key) + len(value)}
}

func sortLeafs(leafs []cutLeaf) {
	slices.SortFunc(leafs, func(a, b cutLeaf) int { return bytes.Compare(a.path[:], b.path[:]) })
}

// split parts sorted leafs, two at least, where the trie does.
func split(leafs []cutLeaf) (bit uint8, zeros, ones []cutLeaf) {
	bit = uint8(firstDifference(&leafs[0].path, &leafs[len(leafs)-1].path))
	at := sort.Search(len(leafs), func(i int) bool { return bitAt(&leafs[i].path, bit) == 1 })
	return bit, leafs[:at], leafs[at:]
}

// rootOf returns the root of the trie of sorted leafs with different paths.
func rootOf(leafs []cutLeaf) types.Hash {
	switch len(leafs) {
	case 0:
		return types.Hash{}
	case 1:
		return leafs[0].hash
	}
	bit, zeros, ones := split(leafs)
	return hashInner(bit, rootOf(zeros), rootOf(ones))
}

// Cut is how a state is handed on.
type Cut struct {
	Outline []byte // as DecodeOutline reads it
	Bytes   int    // of all entries, with their lengths

	firsts []types.Hash // the first path of each part
}

// NewCut cuts a stored state, whose entries each yields in any order, as storage
// does. It takes some 70 bytes of memory an entry until it is done, and 32 a part
// from then on.
func NewCut(each func(yield func(key, value []byte) error) error) (*Cut, error) {
	var leafs []cutLeaf
	c := &Cut{}
	err := each(func(key, value []byte) error {
		leafs = append(leafs, newCutLeaf(key, value))
		c.Bytes += leafs[len(leafs)-1].size
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(leafs) == 0 {
		return nil, fmt.Errorf("ledger: the state to cut has no entries")
	}
	sortLeafs(leafs)
	e := types.NewEncoder("", 0)
	c.cut(e, leafs)
	if len(c.firsts) > MaxParts {
		return nil, fmt.Errorf("ledger: the state has %d parts of %d bytes: it can be handed on with at most %d", len(c.firsts), partBytes, MaxParts)
	}
	c.Outline = e.Data()
	return c, nil
}

func (c *Cut) cut(e *types.Encoder, leafs []cutLeaf) {
	size := 0
	for i := range leafs {
		size += leafs[i].size
	}
	if size <= partBytes || len(leafs) == 1 {
		root := rootOf(leafs)
		e.Uint8(outlinePart)
		e.Fixed(root[:])
		c.firsts = append(c.firsts, leafs[0].path)
		return
	}
	bit, zeros, ones := split(leafs)
	e.Uint8(outlineInner)
	e.Uint8(bit)
	c.cut(e, zeros)
	c.cut(e, ones)
}

// Parts is how many parts there are.
func (c *Cut) Parts() int { return len(c.firsts) }

// PartOf returns the part that an entry of the state is in, by its key.
func (c *Cut) PartOf(key []byte) int {
	path := hashKey(key)
	above := sort.Search(len(c.firsts), func(i int) bool { return bytes.Compare(c.firsts[i][:], path[:]) > 0 })
	return max(0, above-1)
}

// Outline is the top of a state's trie, down to the parts in which the state is
// handed on.
type Outline struct {
	root  types.Hash
	parts []types.Hash
}

// DecodeOutline reads an outline that fills raw. It is that of the state whose
// digest is Root.
func DecodeOutline(raw []byte) (*Outline, error) {
	o, d := &Outline{}, types.NewDecoder(raw)
	var err error
	if o.root, err = o.node(d, 0); err != nil {
		return nil, err
	}
	return o, d.Finish()
}

// node reads a node whose bit is from least on: bits rise on the way down, so
// that no outline is deeper than a path is long.
func (o *Outline) node(d *types.Decoder, least int) (root types.Hash, err error) {
	switch kind := d.Uint8(); {
	case d.Err() != nil:
		return root, d.Err()
	case kind == outlinePart && len(o.parts) < MaxParts:
		d.Fixed(root[:])
		o.parts = append(o.parts, root)
		return root, d.Err()
	case kind == outlinePart:
		return root, fmt.Errorf("the outline of a state has more than %d parts", MaxParts)
	case kind != outlineInner:
		return root, fmt.Errorf("the outline of a state has a node of kind %d", kind)
	}
	bit := d.Uint8()
	if int(bit) < least {
		return root, fmt.Errorf("the outline of a state splits at bit %d below bit %d", bit, least-1)
	}
	zeros, err := o.node(d, int(bit)+1)
	if err != nil {
		return root, err
	}
	ones, err := o.node(d, int(bit)+1)
	return hashInner(bit, zeros, ones), err
}

// Root is the digest of the state.
func (o *Outline) Root() types.Hash { return o.root }

// Parts is how many parts there are, 1 at least.
func (o *Outline) Parts() int { return len(o.parts) }

// Check checks that entries, in any order, are exactly those of a part.
func (o *Outline) Check(part int, entries []Change) error {
	leafs := make([]cutLeaf, len(entries))
	for i, e := range entries {
		leafs[i] = newCutLeaf(e.Key, e.Value)
	}
	sortLeafs(leafs)
	for i := 1; i < len(leafs); i++ {
		if leafs[i-1].path == leafs[i].path {
			return fmt.Errorf("part %d of the state has an entry twice", part)
		}
	}
	if root := rootOf(leafs); root != o.parts[part] {
		return fmt.Errorf("part %d of the state is not what the digest binds: its root is %s, found %s", part, o.parts[part].Short(), root.Short())
	}
	return nil
}
