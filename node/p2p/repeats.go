package p2p

import (
	"sync"
	"time"
)

// complaintOf is one complaint about one host or peer.
type complaintOf struct{ who, sentence string }

// repeats tells complaints that are new from those that were logged within
// repeatAfter. The zero value is ready.
type repeats struct {
	mu     sync.Mutex
	logged map[complaintOf]time.Time
}

func (r *repeats) isNew(who, sentence string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, now := complaintOf{who, sentence}, time.Now()
	if at, ok := r.logged[key]; ok && now.Sub(at) < repeatAfter {
		return false
	}
	if r.logged == nil || len(r.logged) >= maxRepeats {
		r.logged = map[complaintOf]time.Time{}
	}
	r.logged[key] = now
	return true
}
