package linear_test

import (
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// forever is when an operation returns that nobody saw return.
const forever = math.MaxInt64

// checkPatience is how long the checker may think about one history; it takes
// well under a second for an honest one.
const checkPatience = 2 * time.Minute

// event is one operation as a client saw it.
type event struct {
	client    int
	node      string // who answered: for a payment, who called it committed
	local     bool   // asked without a horizon: of this node alone
	input     any
	output    any
	call, end int64
	head      uint64 // as of which block the answer is
}

// history is what all clients did.
type history struct {
	began  time.Time
	mu     sync.Mutex
	events []event
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

// add takes an operation down that returns now.
func (h *history) add(e event) {
	e.end = h.now()
	h.keep(e)
}

// keep takes an operation down.
func (h *history) keep(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// operation is an event as the checker takes it.
func (e *event) operation() porcupine.Operation {
	return porcupine.Operation{ClientId: e.client, Input: e.input, Output: e.output, Call: e.call, Return: e.end, Metadata: e.node}
}

// operations is what the checker gets of some of the events.
func (h *history) operations(which func(*event) bool) (out []porcupine.Operation) {
	for _, e := range h.events {
		if which(&e) {
			out = append(out, e.operation())
		}
	}
	return out
}

// ofNetwork is the history of the clients that share a horizon.
func (h *history) ofNetwork() []porcupine.Operation {
	return h.operations(func(e *event) bool { return !e.local })
}

// ofNode is the history as one node has it: what was read there without a
// horizon. Payments that another node called committed come to it sooner or later.
func (h *history) ofNode(name string) (out []porcupine.Operation) {
	for _, e := range h.events {
		op := e.operation()
		switch _, pays := e.input.(pay); {
		case pays && e.node != name:
			op.Return = forever
		case !pays && (!e.local || e.node != name):
			continue
		}
		out = append(out, op)
	}
	return out
}

// check fails the test where a history is not linearizable, and leaves a picture
// of it.
func check(t *testing.T, what string, operations []porcupine.Operation) {
	t.Helper()
	result, info := porcupine.CheckOperationsVerbose(model, operations, checkPatience)
	if result == porcupine.Ok {
		return
	}
	picture, err := os.CreateTemp("", "posnet-linear-*.html")
	if err == nil {
		err = porcupine.Visualize(model, info, picture)
	}
	if err != nil {
		t.Fatalf("%s: the checker says %s, and there is no picture of it: %v", what, result, err)
	}
	defer picture.Close()
	t.Errorf("%s: the checker says %s of %d operations: open %s in a browser", what, result, len(operations), picture.Name())
}
