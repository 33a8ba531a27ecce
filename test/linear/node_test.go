package linear_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// nodePatience is how long the checker may think about what one node showed by
// itself. Of a node that was cut off for seconds it does not find an end: hundreds
// of payments of either side are under way for it all the while, in any order.
const nodePatience = 20 * time.Second

// checkNode checks what a node showed by itself: that no answer is older than one
// before it, by the heights they name, and with the checker as far as that comes.
// That each is the chain's at its height, checkHeads checks.
func (h *history) checkNode(t *testing.T, name string) {
	t.Helper()
	for _, pair := range h.back(name) {
		t.Errorf("%s by itself: after block %d was shown by %v, %v shows block %d", name, pair[0].head, pair[0].input, pair[1].input, pair[1].head)
	}
	operations := h.ofNode(name)
	switch porcupine.CheckOperationsTimeout(model, operations, nodePatience) {
	case porcupine.Illegal:
		check(t, name+" by itself", operations)
	case porcupine.Unknown:
		t.Logf("%s by itself: the checker finds no end in %v; the heights of its answers never go back", name, nodePatience)
	}
}

// back returns answers of a node without a horizon that are older than one which
// ended before they were asked for, each with such a one.
func (h *history) back(name string) (out [][2]event) {
	var asked []event
	for _, e := range h.events {
		if e.local && e.node == name && e.head > 0 && e.end != forever {
			asked = append(asked, e)
		}
	}
	ended := slices.Clone(asked)
	slices.SortFunc(asked, func(a, b event) int { return cmp.Compare(a.call, b.call) })
	slices.SortFunc(ended, func(a, b event) int { return cmp.Compare(a.end, b.end) })
	var newest event
	for _, e := range asked {
		for len(ended) > 0 && ended[0].end < e.call {
			if ended[0].head > newest.head {
				newest = ended[0]
			}
			ended = ended[1:]
		}
		if e.head < newest.head {
			out = append(out, [2]event{newest, e})
		}
	}
	return out
}

// An answer that goes back is found, and none that overlaps is taken for one.
func TestGoingBackIsFound(t *testing.T) {
	at := func(call, end int64, head uint64) event {
		return event{node: "a", local: true, call: call, end: end, head: head}
	}
	h := history{events: []event{at(1, 2, 5), at(3, 9, 7), at(4, 8, 6), at(10, 11, 7), {node: "b", local: true, call: 12, end: 13, head: 1}, at(14, 15, 6)}}
	if got := h.back("a"); len(got) != 1 || got[0][0].head != 7 || got[0][1].call != 14 {
		t.Errorf("what goes back is %+v", got)
	}
}
