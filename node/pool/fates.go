package pool

import (
	"sync"

	"github.com/posnet/posnet/node/types"
)

// MaxFates is how many dropped records are remembered, so that their senders
// can ask for some minutes what became of them; they take about 3 MB.
const MaxFates = 10_000

// Fates remembers why records were dropped, the newest MaxFates of them. It is
// safe for use by several goroutines. The zero value is ready.
type Fates struct {
	mu      sync.Mutex
	reasons map[types.Hash]string
	order   []types.Hash // a ring once it is full
	oldest  int
}

// Drop remembers why a record was dropped; the last reason counts.
func (f *Fates) Drop(id types.Hash, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reasons == nil {
		f.reasons = map[types.Hash]string{}
	}
	_, known := f.reasons[id]
	f.reasons[id] = reason
	if known {
		return
	}
	if len(f.order) < MaxFates {
		f.order = append(f.order, id)
		return
	}
	delete(f.reasons, f.order[f.oldest])
	f.order[f.oldest] = id
	f.oldest = (f.oldest + 1) % MaxFates
}

// Dropped returns why a record was dropped, and whether that is known.
func (f *Fates) Dropped(id types.Hash) (reason string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reason, ok = f.reasons[id]
	return reason, ok
}
