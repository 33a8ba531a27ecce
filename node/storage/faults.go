package storage

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// faults collects what went wrong with the disk where no caller waits for it.
type faults struct {
	first  atomic.Pointer[error]
	some   chan struct{} // closed after first is set
	logger *slog.Logger

	mu     sync.Mutex
	phase  phase
	failed chan error // has one, or will have, in the phase lost
}

// phase is how far the opening of a database is. Pebble makes up for work left
// undone before it has opened, on goroutines of its own: it writes what was in
// the log to a file, and may then compact. If the disk fails meanwhile, Pebble
// either tries again at once, and for ever, or gives up and takes away what a
// compaction is using, which ends the process. Therefore none of its goroutines
// hears of the failure: each is held where it meets it, and whoever opens the
// database is told instead.
type phase uint8

const (
	settled  phase = iota // open, or given up
	opening               // one goroutine is at work, which gives errors back by itself
	makingUp              // several are
	lost                  // the disk failed then
)

func newFaults(logger *slog.Logger) *faults {
	return &faults{some: make(chan struct{}), logger: logger, failed: make(chan error, 1)}
}

func (f *faults) add(err error) {
	if f.first.CompareAndSwap(nil, &err) {
		close(f.some)
		f.logger.Error("the disk failed: nothing more is stored", "error", err)
	}
}

// err returns the first fault.
func (f *faults) err() error {
	if p := f.first.Load(); p != nil {
		return *p
	}
	return nil
}

// beginOpening begins the opening of a database.
func (f *faults) beginOpening() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase = opening
}

// makesUp notes that Pebble sets out to make up for work.
func (f *faults) makesUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == opening {
		f.phase = makingUp
	}
}

// endOpening ends the opening; it reports false if the disk has failed meanwhile and
// Pebble is held.
func (f *faults) endOpening() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == lost {
		return false
	}
	f.phase = settled
	return true
}

// background notes a failure that Pebble tells from a goroutine of its own.
func (f *faults) background(err error) {
	f.add(err)
	f.hold(err)
}

// refused is met for whoever is about to change something.
func (f *faults) refused() error { return f.met(f.err()) }

// met returns an error that a goroutine of Pebble's met, if it may hear of it.
func (f *faults) met(err error) error {
	if err != nil {
		f.hold(err)
	}
	return err
}

// hold holds the goroutine, for ever, that met an error while Pebble makes up for
// work.
func (f *faults) hold(err error) {
	f.mu.Lock()
	if f.phase == makingUp {
		f.phase = lost
		f.failed <- err
	}
	isLost := f.phase == lost
	f.mu.Unlock()
	if isLost {
		f.add(err)
		select {}
	}
}
