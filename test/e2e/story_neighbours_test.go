//go:build e2e

package e2e

import "testing"

// neighboursStory: two networks run beside each other, with validators of the same
// names. Neither is disturbed by the other, and a validator of the one that dials
// into the other is refused.
func neighboursStory(t *testing.T, w *world) {
	first := w.quickstart(t)
	second := w.create(t, "second", four)
	second.awaitHeight(t, 3)
	second.awaitRunning(t)
	if first.sameBlocks(t)[0].Hash == second.sameBlocks(t)[0].Hash {
		t.Error("both networks have the same chain")
	}

	const refusals = "posnet_p2p_refusals_total"
	before := first.metric(t, "alice", refusals)
	second.impostor(t, "alice", first, "alice").awaitRefusal(t, "you are of") // another network
	if now := first.metric(t, "alice", refusals); now <= before {
		t.Errorf("alice has refused %v connections, %v before", now, before)
	}
	first.goesOn(t, "alice", 2)
	second.goesOn(t, "alice", 2)
}
