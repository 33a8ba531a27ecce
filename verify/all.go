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
}

// All verifies several sources of one network, the longest first, each wholly
// and by itself, and then holds them against each other: two chains that are
// both certified and differ are a fault of the later. each is told of every
// block, and may be nil.
func All(ctx context.Context, g *genesis.Genesis, sources []source.Source, each func(source.Source, Progress)) ([]One, error) {
	slices.SortStableFunc(sources, func(a, b source.Source) int { return cmp.Compare(b.Head(), a.Head()) })
	var hashes []types.Hash // of the longest, from height 1 on
	var out []One
	for i, s := range sources {
		o := Options{Genesis: g, Source: s, Each: func(p Progress) error {
			if each != nil {
				each(s, p)
			}
			if i == 0 && len(sources) > 1 {
				hashes = append(hashes, p.Head.Hash)
			}
			return sameAs(sources[0], hashes, p.Head)
		}}
		r, err := Run(ctx, o)
		if err != nil {
			return out, err
		}
		out = append(out, One{s, r})
	}
	return out, nil
}

// sameAs checks that a block is the one that another source has at its height.
func sameAs(other source.Source, hashes []types.Hash, head validity.Head) error {
	if head.Height > uint64(len(hashes)) || hashes[head.Height-1] == head.Hash {
		return nil
	}
	return &validity.Fault{
		Height: head.Height, Where: "block", What: fmt.Sprintf("it is another than in %s, and both are certified: the chain has forked", other.Label()),
		Expected: hashes[head.Height-1].String(), Found: head.Hash.String(),
	}
}
