package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/verify/source"
)

// One is a source with what was found in it.
type One struct {
	Source source.Source
	*Result
	// Apart reports that it has no height in common with the longest, so that the two
	// were not held against each other.
	Apart bool
}

// All verifies several sources of one network, the longest first, each wholly
// and by itself, and then holds them against each other: two chains that are
// both certified and differ are a fault of the later. trusted is a block that must be
// in each that has its height, or nil. each is told of every block, and may be nil.
func All(ctx context.Context, g *genesis.Genesis, sources []source.Source, trusted *Trusted, each func(source.Source, Progress)) ([]One, error) {
	slices.SortStableFunc(sources, func(a, b source.Source) int { return cmp.Compare(b.Head(), a.Head()) })
	var longest chain
	var out []One
	for i, s := range sources {
		met := i == 0
		o := Options{Genesis: g, Source: s, Trusted: trusted, Each: func(p Progress) error {
			if each != nil {
				each(s, p)
			}
			if i == 0 && len(sources) > 1 {
				longest.add(p.Head)
			}
			same, err := longest.compare(sources[0], p.Head)
			met = met || same
			return err
		}}
		r, err := Run(ctx, o)
		if err != nil {
			return out, err
		}
		out = append(out, One{s, r, !met && r.Tally.Blocks > 0})
	}
	return out, nil
}

// chain is the hashes of blocks, the first of which has height from.
type chain struct {
	from   uint64
	hashes []types.Hash
}

func (c *chain) add(head validity.Head) {
	if len(c.hashes) == 0 {
		c.from = head.Height
	}
	c.hashes = append(c.hashes, head.Hash)
}

// compare checks that a block is the one that the chain has at its height, and
// reports whether it has one.
func (c *chain) compare(of source.Source, head validity.Head) (same bool, err error) {
	if head.Height < c.from || head.Height-c.from >= uint64(len(c.hashes)) {
		return false, nil
	}
	want := c.hashes[head.Height-c.from]
	if want == head.Hash {
		return true, nil
	}
	return true, &validity.Fault{
		Height: head.Height, Where: "block", What: fmt.Sprintf("it is another than in %s, and both are certified: the chain has forked", of.Label()),
		Expected: want.String(), Found: head.Hash.String(),
	}
}
