package sim

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// network carries messages between the nodes. A link keeps the order of its
// messages unless they are let overtake; what is under way is lost with it.
type network struct {
	w         *World
	extra     time.Duration
	loss      float64
	double    float64
	unordered int
	links     [][]link // by node and node
}

type link struct {
	cuts    int           // faults that cut it
	life    int           // counts changes: a message arrives in the life it was sent in
	lost    int           // counts the times at which all under way was lost
	arrival time.Duration // of the last message
}

func newNetwork(w *World, n int) *network {
	net := &network{w: w, links: make([][]link, n)}
	for i := range net.links {
		net.links[i] = make([]link, n)
	}
	return net
}

// connected reports whether there is a link between two nodes.
func (net *network) connected(a, b int) bool {
	return a != b && net.w.nodes[a].up && net.w.nodes[b].up && net.links[a][b].cuts == 0
}

// cut adds a cut to a link, or with -1 takes one away.
func (net *network) cut(a, b, by int) {
	if a == b {
		return
	}
	before := net.connected(a, b)
	net.links[a][b].cuts += by
	net.links[b][a].cuts += by
	if net.connected(a, b) != before {
		net.changed(a, b)
	}
}

// nodeChanged tells of a node that went down or came up.
func (net *network) nodeChanged(node int) {
	for other := range net.w.nodes {
		if other != node {
			net.changed(node, other)
		}
	}
}

func (net *network) changed(a, b int) {
	net.links[a][b].life++
	net.links[b][a].life++
	net.notice(a, b)
	net.notice(b, a)
}

// loseAll loses all messages under way.
func (net *network) loseAll() {
	for a := range net.links {
		for b := range net.links[a] {
			net.links[a][b].lost++
		}
	}
}

// notice tells a node that its link to another has changed, unless it changes
// again before.
func (net *network) notice(to, about int) {
	w := net.w
	up := net.connected(to, about)
	delay := Range{0, 20 * time.Millisecond}
	if !up && w.Notice == NoticeNever {
		return
	}
	if !up && w.Notice == NoticeLate {
		delay = Range{500 * time.Millisecond, 3 * time.Second}
	}
	life := net.links[to][about].life
	w.after(delay.pick(w.rng), func() {
		n := w.nodes[to]
		if n.up && net.links[to][about].life == life {
			n.step(consensus.LinkChanged{Validator: w.Keys[about], Up: up})
		}
	})
}

// send carries a message, if it arrives at all.
func (net *network) send(from, to int, message any) {
	w := net.w
	if !net.connected(from, to) || w.rng.Float64() < net.loss {
		return
	}
	net.carry(from, to, message)
	if w.rng.Float64() < net.double {
		net.carry(from, to, message)
	}
}

func (net *network) carry(from, to int, message any) {
	w, l := net.w, &net.links[from][to]
	at := w.now + w.Delay.pick(w.rng) + net.extra
	if net.unordered == 0 {
		at = max(at, l.arrival)
	}
	l.arrival = max(l.arrival, at)
	life, lost := l.life, l.lost
	w.after(at-w.now, func() {
		if net.connected(from, to) && l.life == life && l.lost == lost {
			w.nodes[to].receive(from, message)
		}
	})
}

// describe writes a message for the trace.
func describe(m any) string {
	switch m := m.(type) {
	case *types.Proposal:
		return fmt.Sprintf("proposal %d/%d %s valid %d of %s", m.Height, m.Round, m.Block().Short(), m.ValidRound, m.Validator.Short())
	case *types.Vote:
		return fmt.Sprintf("%v %d/%d %s of %s", m.Kind, m.Height, m.Round, m.Block.Short(), m.Validator.Short())
	case *types.Candidate:
		return fmt.Sprintf("candidate %d of %s", m.Height, m.Validator.Short())
	case *types.Pass:
		return fmt.Sprintf("pass %d/%d of %s", m.Height, m.Round, m.Validator.Short())
	case consensus.Summary:
		return fmt.Sprintf("summary %d/%d %s prevotes %x precommits %x wanted %s pol %d", m.Height, m.Round, m.Proposal.Short(), m.Prevotes[:1], m.Precommits[:1], m.Wanted.Short(), m.POLRound)
	case bodyWanted:
		return "body wanted " + m.block.Short()
	case bodyFound:
		return "body found " + m.block.hash.Short()
	case blocksWanted:
		return fmt.Sprintf("blocks wanted from %d", m.from)
	case blocksFound:
		return fmt.Sprintf("blocks found: %d", len(m.blocks))
	}
	return fmt.Sprintf("%T", m)
}
