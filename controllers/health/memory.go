package health

import "time"

// confirmAfter is how long after a node told of a block the others must have it:
// nodes are asked every few seconds, and one that is behind for longer than that
// says that it is not ready.
const confirmAfter = 15 * time.Second

// Memory is what is remembered of one node between observations. The zero value
// remembers nothing.
type Memory struct {
	working time.Time
	height  uint64    // that it told of last
	claimed uint64    // a height that it told of
	at      time.Time // when it did
	settled uint64    // the one before: it told of it at least confirmAfter ago
}

// Note completes what a node answered at a time, and remembers it.
func (m *Memory) Note(n *Node, now time.Time) {
	if n.Status == nil {
		m.working = time.Time{}
		return
	}
	height := n.Status.Height
	switch {
	case !isUnderWay(n.Status.Step):
		m.working = time.Time{}
	case m.working.IsZero() || height != m.height:
		m.working = now
	}
	switch {
	case height < m.height: // it takes back what it said, or lost its disk
		m.settled, m.claimed, m.at = 0, height, now
	case now.Sub(m.at) >= confirmAfter:
		m.settled, m.claimed, m.at = m.claimed, height, now
	}
	m.height = height
	n.Working, n.Told = m.working, m.settled
}

// isUnderWay reports whether a node is at work at a block in a step: it neither
// waits for the time of the next nor for a reason to make one.
func isUnderWay(step string) bool { return step != "" && step != "wait" && step != "idle" }
