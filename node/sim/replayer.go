package sim

import (
	"time"

	"github.com/posnet/posnet/node/types"
)

// Replayer sends again what it once heard, of old rounds and heights, and what
// the same validators signed on another network.
type Replayer struct{ honest }

func (Replayer) String() string { return "replayer" }

// replayed is how many messages a replayer keeps, and how many it sends at each
// height.
const (
	replayKept = 200
	replaySent = 12
)

// Hear implements Adversary.
func (Replayer) Hear(n *node, _ int, m any) bool {
	switch m.(type) {
	case *types.Proposal, *types.Vote, *types.Candidate, *types.Pass:
		if len(n.replay) < replayKept {
			n.replay = append(n.replay, m)
		} else {
			n.replay[n.w.rng.IntN(replayKept)] = m
		}
	}
	return false
}

// Begin implements Adversary.
func (Replayer) Begin(n *node) {
	for range replaySent {
		n.after(Range{0, 500 * time.Millisecond}.pick(n.w.rng), func() {
			if k := len(n.replay); k > 0 && n.w.rng.IntN(2) == 0 {
				n.broadcast(n.replay[n.w.rng.IntN(k)])
			} else {
				n.broadcast(n.foreign())
			}
		})
	}
}

// foreign returns a message that some validator signed on another network, at
// the same height.
func (n *node) foreign() any {
	w, height, round := n.w, n.height(), uint32(n.w.rng.IntN(3))
	key := w.Keys[w.rng.IntN(len(w.Keys))]
	switch w.rng.IntN(4) {
	case 0:
		c := &types.Candidate{Height: height, Validator: key}
		c.Signature = w.keys.sign(key, otherNetwork, c)
		return c
	case 1:
		turn := w.order(height, n.prev()).At(int(round) % w.order(height, n.prev()).Len())
		b := w.makeBlock(height, round, n.prev(), turn, n.now(), true)
		p := &types.Proposal{Height: height, Round: round, ValidRound: types.NoRound, Header: b.header, RecordIDs: b.ids, Validator: turn.Proposer}
		p.Signature = w.keys.sign(turn.Proposer, otherNetwork, p)
		return p
	case 2:
		turn := w.order(height, n.prev()).At(int(round) % w.order(height, n.prev()).Len())
		p := &types.Pass{Height: height, Round: round, Validator: turn.Proposer}
		p.Signature = w.keys.sign(turn.Proposer, otherNetwork, p)
		return p
	}
	v := &types.Vote{Kind: types.VoteKind(1 + w.rng.IntN(2)), Height: height, Round: round, Block: w.someBlock(height), Validator: key}
	v.Signature = w.keys.sign(key, otherNetwork, v)
	return v
}
