package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// line is a block as the console prints it.
type line struct {
	Index     uint64
	Timestamp message.Timestamp
	BPM       uint64
	PrevHash  types.Hash
	Validator string // a validator's name, or a guest's session key
	Hash      types.Hash

	winner types.PublicKey
}

// chain is the newest blocks, ready to be printed.
type chain struct {
	backend Backend
	mu      sync.Mutex
	lines   []line
}

// load takes in the newest blocks up to head.
func (c *chain) load(ctx context.Context, head uint64) error {
	first := uint64(1)
	if head > maxChain {
		first = head - maxChain + 1
	}
	first = max(first, c.backend.Oldest())
	for height := first; height <= head; height++ {
		if _, err := c.add(ctx, height); err != nil {
			return err
		}
	}
	return nil
}

// add takes in the block of a height.
func (c *chain) add(ctx context.Context, height uint64) (line, error) {
	b, _, err := c.backend.Block(ctx, height)
	if err != nil {
		return line{}, fmt.Errorf("the console cannot read block %d: %w", height, err)
	}
	l := line{
		Index: height, Timestamp: message.Timestamp(b.Header.Time), BPM: b.BPM(), PrevHash: b.Header.Prev,
		Validator: b.Header.Winner.String(), Hash: b.Header.Hash(), winner: b.Header.Winner,
	}
	if name := c.backend.Name(b.Header.Winner); name != "" {
		l.Validator = name
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, l)
	if len(c.lines) > maxChain {
		c.lines = c.lines[1:]
	}
	return l, nil
}

// print returns the newest blocks as one line of JSON.
func (c *chain) print() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(append([]line{}, c.lines...)); err != nil {
		panic("console: a block that JSON cannot hold: " + err.Error()) // all fields are plain
	}
	return b.String()
}
