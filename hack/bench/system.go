package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/posnet/posnet/hack/bench/nodes"
)

// system is a kind of network that can be measured: four validators, signed
// transfers between the same accounts, and the same loader and books for all.
type system interface {
	wire
	// title is what a table calls it, with its version and how it is set.
	title() string
	// rule says when a block is made.
	rule() string
	// lacks tells of rows that say nothing of it.
	lacks(row string) bool
	// rests reports whether there are no blocks where there are no records.
	rests() bool
	// write puts the files of a new chain into dir and returns its nodes, which do
	// not run yet. Where one of them is to die, it is set for that.
	write(ctx context.Context, dir string, mayDie bool) (nodes.All, error)
	// wipe takes from a node that is down all that it knows of the chain.
	wipe(p *nodes.Process) error
}

// wire is how its clients and nodes speak with each other.
type wire interface {
	// path is of the websocket.
	path() string
	// maxBatch is how many records fit in a frame.
	maxBatch() int
	// transfer signs a record that moves one token, as text for a frame.
	transfer(a *accounts, account int, nonce uint64) ([]byte, error)
	// frame appends the frame that submits records first to first+n-1.
	frame(to []byte, t *transfers, first, n int) []byte
	// refusal is in few words how an answer to that refuses it, "" if it does not.
	refusal(answer []byte) string
	// subscription is the frame that asks for the news of blocks.
	subscription() string
	// subscribed reports whether the answer to that says yes.
	subscribed(answer []byte) bool
	// scan reads the news of a block, and calls each for every transfer in it.
	scan(frame []byte, each func(sender []byte, nonce uint64) error) (news, error)
}

const (
	systemPosnet   = "posnet"
	systemCometBFT = "cometbft"
)

var systems = []string{systemPosnet, systemCometBFT}

// newSystem makes the system that the options name; dir is for its program.
func newSystem(ctx context.Context, o options, dir string, a *accounts) (system, error) {
	switch o.system {
	case systemPosnet:
		return newPosnet(ctx, o, dir, a)
	case systemCometBFT:
		return newCometBFT(ctx, o, dir)
	}
	return nil, fmt.Errorf("-system is %q: there are %s", o.system, strings.Join(systems, ", "))
}

// refusals counts how records were refused.
type refusals map[string]int

// String lists them, the commonest first.
func (r refusals) String() string {
	kinds := make([]string, 0, len(r))
	for kind := range r {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		if r[a] != r[b] {
			return r[b] - r[a]
		}
		return strings.Compare(a, b)
	})
	var words []string
	for _, kind := range kinds {
		words = append(words, fmt.Sprintf("%d with %s", r[kind], kind))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
