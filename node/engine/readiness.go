package engine

import (
	"sync"
	"time"

	"github.com/posnet/posnet/node/rpc/message"
)

const (
	// lagPatience is how long a node may be behind before it is unready: peers
	// tell their height once a second, and blocks are on their way meanwhile.
	lagPatience = 3 * time.Second
	// maxLag is how far behind it is unready at once: more than the fastest
	// chain commits between two words of a peer.
	maxLag = 500
	// firstWord is how long a node that has just started waits for a peer's
	// word on the chain's height; after that it may well be the only one there.
	firstWord = 5 * time.Second
)

// readiness is whether a node is caught up with its peers. A chain that stands
// still does not make a node unready.
type readiness struct {
	mu     sync.Mutex
	start  time.Time // zero once a peer was heard
	behind time.Time // since when; zero while it is not
	head   uint64
	peers  uint64 // the highest height of a peer
}

func (r *readiness) begin(peers int) {
	if peers > 0 {
		r.start = time.Now()
	}
}

func (r *readiness) heard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = time.Time{}
}

// check notes how far node and peers are.
func (r *readiness) check(head, peers uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head, r.peers = head, peers
	switch {
	case peers <= head:
		r.behind = time.Time{}
	case r.behind.IsZero():
		r.behind = time.Now()
	}
}

func (r *readiness) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.start.IsZero() && time.Since(r.start) < firstWord:
		return message.Errorf(message.StatusNotReady, "the node has just started and heard from no peer yet: try again in %v", firstWord)
	case r.peers > r.head+maxLag || !r.behind.IsZero() && time.Since(r.behind) > lagPatience:
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
