package sim

import (
	"time"

	"github.com/posnet/posnet/node/consensus"
)

// Forgetter talks to one side until it has precommitted a block, then forgets
// it, lock and sign log and all, and begins the height anew with the other side:
// what a validator does that runs without its disk, in the worst of moments.
type Forgetter struct {
	Sides Sides
}

func (Forgetter) String() string { return "forgetter" }

// Begin implements Adversary.
func (f Forgetter) Begin(n *node) { f.face(n, false) }

// Act implements Adversary.
func (f Forgetter) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignVote)
	if !ok || a.Lock == nil || n.turned {
		return false
	}
	n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, a.Block))
	n.after(n.w.Sync.To+time.Microsecond, func() {
		if n.height() == a.Height {
			n.disk.log = nil
			n.wake()
			f.face(n, true)
		}
	})
	return true
}

// Hear implements Adversary: it does not know its own voice.
func (Forgetter) Hear(n *node, _ int, m any) bool { return signerOf(m) == n.key }

// face makes the node deaf and dumb towards the honest of the other side.
func (f Forgetter) face(n *node, side bool) {
	n.shuns = make([]bool, len(n.w.nodes))
	for to := range n.shuns {
		n.shuns[to] = !n.w.byzantine(to) && f.Sides.has(to) != side
	}
	n.turned = side
}
