package engine

import (
	"sync"
	"time"
)

// Warnings that others can cause are logged so often about one peer; the line
// after tells how many were left out.
const (
	complaintBurst    = 20
	complaintInterval = 10 * time.Second
	// maxComplaints bounds what is counted: some kinds of each of a hundred peers.
	maxComplaints = 1_000
)

// complaint is one kind of warning about one peer.
type complaint struct{ what, who string }

// complaints keeps peers and clients from flooding the log. The zero value is
// ready, and safe for use by several goroutines.
type complaints struct {
	mu     sync.Mutex
	counts map[complaint]*complaintCount
}

type complaintCount struct {
	began time.Time // of the interval
	count int       // in it
}

// pass reports whether to log a warning, and how many were not logged before it.
func (c *complaints) pass(one complaint) (ok bool, before int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	n := c.counts[one]
	if n == nil {
		if c.counts == nil || len(c.counts) == maxComplaints {
			c.counts = map[complaint]*complaintCount{}
		}
		n = &complaintCount{began: now}
		c.counts[one] = n
	}
	if now.Sub(n.began) >= complaintInterval {
		before = max(0, n.count-complaintBurst)
		*n = complaintCount{began: now}
	}
	n.count++
	return n.count <= complaintBurst, before
}

// warn logs what a peer did, or a client where who is empty.
func (e *Engine) warn(what, who string, args ...any) {
	ok, before := e.complaints.pass(complaint{what, who})
	if !ok {
		return
	}
	if who != "" {
		args = append(args, "peer", who)
	}
	if before > 0 {
		args = append(args, "leftOut", before)
	}
	e.log.Warn(what, args...)
}
