package storage

import (
	"errors"
	"fmt"
	"time"
)

// work is something that Pebble does, and that a fault may keep from its end:
// Pebble waits for room, and for ever where there is none.
type work struct {
	faults *faults
	done   chan error
}

// errPanic marks what was a panic of Pebble's, which may still hold its locks.
var errPanic = errors.New("the database gave up")

// begin starts it.
func (f *faults) begin(do func() error) work {
	w := work{f, make(chan error, 1)}
	go func() {
		var err error
		defer func() { w.done <- err }()
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%v: %w", r, errPanic)
			}
		}()
		err = do()
	}()
	return w
}

// restPatience is how long Pebble may take to come to rest after a fault.
const restPatience = time.Second

// end waits until it is done. The error is the fault, if there was one, before
// its own. It is stuck where it does not come to rest after a fault, or broke off
// in its midst: then what it works on must be left alone.
func (w work) end() (stuck bool, err error) {
	select {
	case err = <-w.done:
	case <-w.faults.some:
		select {
		case err = <-w.done:
		case <-time.After(restPatience):
			stuck = true
		}
	}
	stuck = stuck || errors.Is(err, errPanic)
	if fault := w.faults.err(); fault != nil {
		err = fault
	}
	return stuck, err
}
