package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Fault is something that goes wrong for a while. All are over at
// Scenario.Heal.
type Fault interface {
	// Plan puts the fault, and its end, on the world's clock.
	Plan(w *World)
	String() string
}

// Span is when a fault lasts.
type Span struct{ From, To time.Duration }

func (s Span) plan(w *World, begin, end func()) {
	w.after(s.From, begin)
	w.after(s.To, end)
}

func (s Span) String() string { return fmt.Sprintf("%v to %v", s.From, s.To) }

// Slow adds to the delay of all messages.
type Slow struct {
	Span
	Extra time.Duration
}

// Plan implements Fault.
func (f Slow) Plan(w *World) {
	f.plan(w, func() { w.net.extra += f.Extra }, func() { w.net.extra -= f.Extra })
}

func (f Slow) String() string { return fmt.Sprintf("slow by %v from %v", f.Extra, f.Span) }

// Loss loses each message with a chance.
type Loss struct {
	Span
	Chance float64
}

// Plan implements Fault.
func (f Loss) Plan(w *World) {
	f.plan(w, func() { w.net.loss += f.Chance }, func() { w.net.loss -= f.Chance })
}

func (f Loss) String() string { return fmt.Sprintf("loss of %.2f from %v", f.Chance, f.Span) }

// Duplication delivers each message twice with a chance.
type Duplication struct {
	Span
	Chance float64
}

// Plan implements Fault.
func (f Duplication) Plan(w *World) {
	f.plan(w, func() { w.net.double += f.Chance }, func() { w.net.double -= f.Chance })
}

func (f Duplication) String() string {
	return fmt.Sprintf("duplication of %.2f from %v", f.Chance, f.Span)
}

// Reordering lets messages of one link overtake each other.
type Reordering struct{ Span }

// Plan implements Fault.
func (f Reordering) Plan(w *World) {
	f.plan(w, func() { w.net.unordered++ }, func() { w.net.unordered-- })
}

func (f Reordering) String() string { return "reordering from " + f.Span.String() }

// Partition cuts all links between two groups of nodes.
type Partition struct {
	Span
	Side []bool // by node
}

// Plan implements Fault.
func (f Partition) Plan(w *World) {
	each := func(by int) {
		for a := range w.nodes {
			for b := range a {
				if f.Side[a] != f.Side[b] {
					w.net.cut(a, b, by)
				}
			}
		}
	}
	f.plan(w, func() { each(1) }, func() { each(-1) })
}

func (f Partition) String() string { return fmt.Sprintf("partition %v from %v", f.Side, f.Span) }

// CutLink cuts one link.
type CutLink struct {
	Span
	A, B int
}

// Plan implements Fault.
func (f CutLink) Plan(w *World) {
	f.plan(w, func() { w.net.cut(f.A, f.B, 1) }, func() { w.net.cut(f.A, f.B, -1) })
}

func (f CutLink) String() string {
	return fmt.Sprintf("link of n%d and n%d cut from %v", f.A, f.B, f.Span)
}

// Mute lets nobody hear one node, which hears all: it may decide blocks of which the
// others know only that they are locked on them.
type Mute struct {
	Span
	Node int
}

// Plan implements Fault.
func (f Mute) Plan(w *World) {
	f.plan(w, func() { w.net.mute[f.Node]++ }, func() { w.net.mute[f.Node]-- })
}

func (f Mute) String() string { return fmt.Sprintf("n%d mute from %v", f.Node, f.Span) }

// Crash stops a node; only what was persisted survives.
type Crash struct {
	Span
	Node    int
	Signing bool // when it has next persisted a message, and not sent it yet
}

// Plan implements Fault.
func (f Crash) Plan(w *World) {
	n := w.nodes[f.Node]
	begin := n.crash
	if f.Signing {
		begin = func() { n.dieSigning = true }
	}
	f.plan(w, begin, n.restart)
}

func (f Crash) String() string {
	return fmt.Sprintf("crash of n%d (signing: %v) from %v", f.Node, f.Signing, f.Span)
}

// PowerCut stops all nodes at once; they come back one after the other.
type PowerCut struct {
	Span
	Apart time.Duration
}

// Plan implements Fault.
func (f PowerCut) Plan(w *World) {
	for i, n := range w.nodes {
		w.after(f.From, n.crash)
		w.after(f.To+time.Duration(i)*f.Apart, n.restart)
	}
}

func (f PowerCut) String() string { return "power cut from " + f.Span.String() }

// DiskLoss stops a node and takes its disk: it comes back knowing nothing, and
// watches before it votes.
type DiskLoss struct {
	Span
	Node int
}

// Plan implements Fault.
func (f DiskLoss) Plan(w *World) {
	n := w.nodes[f.Node]
	f.plan(w, func() { n.crash(); n.loseDisk() }, n.restart)
}

func (f DiskLoss) String() string { return fmt.Sprintf("disk loss of n%d from %v", f.Node, f.Span) }

// DiskFault lets a node's real disk fail at some sync, and again after each
// start as long as it lasts.
type DiskFault struct {
	Span
	Node   int
	Points int // syncs until the first failure, 1 and more
	Mode   DiskFailure
	Once   bool
}

// Plan implements Fault.
func (f DiskFault) Plan(w *World) {
	n := w.nodes[f.Node]
	f.plan(w, func() {
		n.disk.real.fail(f.Points, f.Mode)
		if !f.Once {
			n.diskFault = &f
		}
	}, func() {
		n.diskFault = nil
		n.disk.real.fail(0, 0)
		n.restart()
	})
}

// arm plans the next failure.
func (f *DiskFault) arm(n *node) {
	n.disk.real.fail(1+n.w.rng.IntN(12), DiskFailure(n.w.rng.IntN(int(diskFailures))))
}

func (f DiskFault) String() string {
	return fmt.Sprintf("disk of n%d fails at sync %d (%v, once: %v) from %v", f.Node, f.Points, f.Mode, f.Once, f.Span)
}

// Ambush strikes when it hurts most: in the moment in which the first node
// decides a block, and the others do not know yet. All messages under way are
// lost, that node is cut off, and the others may crash besides.
type Ambush struct {
	Span
	Crash bool
}

// Plan implements Fault.
func (f Ambush) Plan(w *World) {
	var struck *node
	f.plan(w, func() {
		w.ambush = func(n *node) {
			struck, w.ambush = n, nil
			w.trace.line(w, n.index, "is ambushed")
			w.net.loseAll()
			for _, other := range w.nodes {
				w.net.cut(n.index, other.index, 1)
				if f.Crash && other != n {
					other.crash()
					w.after(Range{0, 50 * time.Millisecond}.pick(w.rng), other.restart)
				}
			}
		}
	}, func() {
		w.ambush = nil
		for i := range w.nodes {
			if struck != nil {
				w.net.cut(struck.index, i, -1)
			}
		}
	})
}

func (f Ambush) String() string { return fmt.Sprintf("ambush (crash: %v) from %v", f.Crash, f.Span) }

// ClockSkew sets a node's clock wrong: others may find its blocks ahead of
// their time.
type ClockSkew struct {
	Span
	Node int
	By   time.Duration
}

// Plan implements Fault.
func (f ClockSkew) Plan(w *World) {
	n := w.nodes[f.Node]
	f.plan(w, func() { n.skew += f.By }, func() { n.skew -= f.By })
}

func (f ClockSkew) String() string {
	return fmt.Sprintf("clock of n%d wrong by %v from %v", f.Node, f.By, f.Span)
}

// addFaults draws some faults, all over by s.Heal.
func (s *Scenario) addFaults(rng *rand.Rand) {
	for range rng.IntN(8) {
		if f := s.randomFault(rng); f != nil {
			s.Faults = append(s.Faults, f)
		}
	}
}

func (s *Scenario) randomFault(rng *rand.Rand) Fault {
	n := len(s.Keys)
	from := time.Duration(rng.Int64N(int64(s.Heal)))
	span := Span{from, from + time.Duration(rng.Int64N(int64(s.Heal-from)+1))}
	node := rng.IntN(n)
	if s.RealDisks && rng.IntN(3) == 0 {
		return DiskFault{span, node, 1 + rng.IntN(30), DiskFailure(rng.IntN(int(diskFailures))), false}
	}
	switch rng.IntN(12) {
	case 0:
		return Slow{span, Range{5 * time.Millisecond, 400 * time.Millisecond}.pick(rng)}
	case 1:
		return Loss{span, rng.Float64() * 0.5}
	case 2:
		return Duplication{span, rng.Float64()}
	case 3:
		return Reordering{span}
	case 4:
		side := make([]bool, n)
		for i := range side {
			side[i] = rng.IntN(2) == 0
		}
		return Partition{span, side}
	case 5:
		return CutLink{span, node, (node + 1) % n}
	case 6:
		return Crash{span, node, rng.IntN(2) == 0}
	case 7:
		apart := (s.Heal - span.To) / time.Duration(n)
		return PowerCut{span, time.Duration(rng.Int64N(int64(apart) + 1))}
	case 8:
		if s.spared(node) {
			return DiskLoss{span, node}
		}
		return Crash{span, node, false}
	case 9, 10:
		return Ambush{span, rng.IntN(2) == 0}
	default:
		return ClockSkew{span, node, Range{-time.Second, time.Second}.pick(rng)}
	}
}

// spared reports whether the other honest nodes are a quorum at all heights,
// and have candidates: only then may a node lose its disk, for it waits until
// the chain has gone on without it.
func (s *Scenario) spared(node int) bool {
	if node == 0 {
		return false
	}
	for _, f := range s.Faults {
		if _, ok := f.(DiskLoss); ok {
			return false
		}
	}
	for _, e := range s.Epochs {
		if !e.Set.IsQuorum(s.stake(e.Set, func(i int) bool { return i != node && !s.byzantine(i) })) {
			return false
		}
	}
	return !s.byzantine(node)
}
