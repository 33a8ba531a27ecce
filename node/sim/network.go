package sim

import (
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
	mute      []int    // by node, faults that keep what it says from all
	links     [][]link // by node and node
}

type link struct {
	cuts    int           // faults that cut it
	life    int           // counts changes: a message arrives in the life it was sent in
	lost    int           // counts the times at which all under way was lost
	arrival time.Duration // of the last message
}

func newNetwork(w *World, n int) *network {
	net := &network{w: w, mute: make([]int, n), links: make([][]link, n)}
	for i := range net.links {
		net.links[i] = make([]link, n)
	}
	return net
}

// connected reports whether there is a link between two nodes.
func (net *network) connected(a, b int) bool {
	return a != b && net.w.nodes[a].up && net.w.nodes[b].up && net.links[a][b].cuts == 0
}

// reaches reports whether there is a link to a node with a key. Of twins either
// will do.
func (net *network) reaches(from int, key types.PublicKey) bool {
	for to, k := range net.w.Keys {
		if k == key && net.connected(from, to) {
			return true
		}
	}
	return false
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
	up := net.reaches(to, w.Keys[about])
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
	if !net.connected(from, to) || net.mute[from] > 0 || w.nodes[from].shunned(to) || w.nodes[to].shunned(from) || w.rng.Float64() < net.loss || w.Loses != nil && w.Loses(w, from, to, message) {
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
			w.nodes[to].hear(from, message)
		}
	})
}
