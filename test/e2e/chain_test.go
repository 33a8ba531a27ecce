//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// blocks returns a node's whole chain, genesis not included.
func (n *network) blocks(t *testing.T, validator string) []message.Block {
	t.Helper()
	c := n.dial(t, validator)
	defer c.Close()
	var all []message.Block
	for start := int64(0); ; {
		got, err := c.Blocks(within(t, patience), client.BlocksArgs{Start: start, Limit: message.MaxBlocks})
		must(t, err)
		if len(got.Blocks) == 0 {
			return all
		}
		all = append(all, got.Blocks...)
		start = int64(got.Next)
	}
}

// records returns the heights at which a node has each record.
func (n *network) records(t *testing.T, validator string) map[types.Hash][]uint64 {
	t.Helper()
	at := map[types.Hash][]uint64{}
	for _, b := range n.blocks(t, validator) {
		for _, item := range b.Items {
			id := item.Record.ID()
			at[id] = append(at[id], b.Index)
		}
	}
	return at
}

// sameBlocks checks that all nodes have the same block at every height, up to the
// lowest of their heads, and returns the chain as one of them has it.
func (n *network) sameBlocks(t *testing.T) []message.Block {
	t.Helper()
	var first []message.Block
	for i, validator := range n.validators(t) {
		chain := n.blocks(t, validator)
		if i == 0 {
			first = chain
		}
		for h := range min(len(first), len(chain)) {
			if first[h].Hash != chain[h].Hash {
				t.Errorf("at height %d %s has block %s, the first validator %s", h+1, validator, chain[h].Hash.Short(), first[h].Hash.Short())
			}
		}
	}
	return first
}

// goesOn waits for further blocks of a node, and returns the height then.
func (n *network) goesOn(t *testing.T, validator string, blocks int) uint64 {
	t.Helper()
	c := n.dial(t, validator)
	defer c.Close()
	ctx := within(t, patience)
	news, err := c.Subscribe(ctx, message.TopicWinners)
	must(t, err)
	height := news.Height
	for range blocks {
		select {
		case e, open := <-news.News:
			if !open {
				t.Fatalf("%s of %s: %v", validator, n.key.Name, c.Err())
			}
			height = e.Winner.Height
		case <-ctx.Done():
			t.Fatalf("%s of %s has no further block after %s; its height is %d", validator, n.key.Name, patience, height)
		}
	}
	return height
}

// longestPause is the longest time between two blocks that follow each other, from
// a height on.
func longestPause(chain []message.Block, from uint64) time.Duration {
	longest := time.Duration(0)
	for i := 1; i < len(chain); i++ {
		if chain[i].Index > from {
			longest = max(longest, time.Duration(chain[i].Timestamp-chain[i-1].Timestamp))
		}
	}
	return longest
}
