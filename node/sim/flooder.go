package sim

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Flooder sends all kinds of well-formed nonsense besides what is asked of it,
// in bursts.
type Flooder struct {
	honest
	Burst int // messages at once
}

func (f Flooder) String() string { return fmt.Sprintf("flooder of %d messages at once", f.Burst) }

// Begin implements Adversary.
func (f Flooder) Begin(n *node) {
	height := n.height()
	for range 6 {
		n.after(Range{0, 300 * time.Millisecond}.pick(n.w.rng), func() {
			for range f.Burst {
				if n.height() == height {
					n.broadcast(n.nonsense())
				}
			}
		})
	}
}

// nonsense returns a message that nobody expects.
func (n *node) nonsense() any {
	rng, h := n.w.rng, n.height()+n.w.rng.Uint64N(2)
	round := uint32(rng.IntN(4))
	if rng.IntN(4) == 0 {
		round = rng.Uint32()
	}
	switch rng.IntN(5) {
	case 0:
		return n.newVote(types.VoteKind(1+rng.IntN(2)), h, round, n.w.someBlock(h))
	case 1:
		return n.newPass(h, round)
	case 2:
		turn := consensus.Turn{Winner: n.key, Proposer: n.key}
		return n.propose(n.w.makeBlock(h, round, n.prev(), turn, n.now(), true))
	case 3:
		return n.newCandidate(h)
	}
	s := consensus.Summary{Height: h + rng.Uint64N(3), Round: round, POLRound: int64(rng.IntN(5)) - 1, Wanted: n.w.someBlock(h), POLBlock: n.w.someBlock(h)}
	if rng.IntN(2) == 0 {
		s.Prevotes.Set(rng.IntN(types.MaxValidators))
		s.Candidates.Set(rng.IntN(types.MaxValidators))
	}
	return s
}
