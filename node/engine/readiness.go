package engine

import (
	"sync"
	"time"

	"github.com/posnet/posnet/node/rpc/message"
)

const (
	// lagPatience is how long a node may be behind before it is unready: blocks
	// are on their way meanwhile, and peers that only say they had some are found
	// out.
	lagPatience = 5 * time.Second
	// maxLag is how far behind it is unready at once, if it is so for sure: more
	// than the fastest chain commits between two words of a peer.
	maxLag = 500
	// firstWord is how long a node that has just started waits for a peer's
	// word on the chain's height; after that it may well be the only one there.
	firstWord = 5 * time.Second
)

// readiness is whether a node is caught up with its peers. A chain that stands
// still does not make a node unready. It is safe for use by several goroutines.
type readiness struct {
	mu     sync.Mutex
	start  time.Time // zero once a peer was heard
	behind time.Time // since when; zero while it is not
	head   uint64
	peers  uint64 // the height that peers tell of
	sure   uint64 // the height that many of them tell of
}

func (r *readiness) begin(peers int) {
	if peers > 0 {
		r.start = time.Now()
	}
}

// heard notes that a peer told its height.
func (r *readiness) heard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = time.Time{}
}

// committed notes the height of the head.
func (r *readiness) committed(head uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(head, r.peers, r.sure)
}

// check notes how far node and peers are.
func (r *readiness) check(head, peers, sure uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(head, peers, sure)
}

func (r *readiness) note(head, peers, sure uint64) {
	r.head, r.peers, r.sure = head, peers, sure
	switch {
	case peers <= head:
		r.behind = time.Time{}
	case r.behind.IsZero():
		r.behind = time.Now()
	}
}

// err returns why the node is not ready, or nil.
func (r *readiness) err() error {
	r.mu.Lock()
	start := r.start
	r.mu.Unlock()
	if !start.IsZero() && time.Since(start) < firstWord {
		return message.Errorf(message.StatusNotReady, "the node has just started and heard from no peer yet: try again in %v", firstWord)
	}
	return r.lag()
}

// lag returns an error if the node is known to be behind its peers.
func (r *readiness) lag() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sure > r.head+maxLag || !r.behind.IsZero() && time.Since(r.behind) > lagPatience {
		return message.Errorf(message.StatusNotReady, "the node is catching up: it has block %d, its peers have %d: try again in a while, or another node", r.head, r.peers)
	}
	return nil
}

// Ready returns nil while the node is caught up with its peers, else why it is not.
func (e *Engine) Ready() error {
	if err := e.Err(); err != nil {
		return err
	}
	return e.readiness.err()
}
