package sim

import (
	"github.com/posnet/posnet/node/consensus"
)

// Silent follows and never says a word.
type Silent struct{ honest }

func (Silent) String() string { return "silent" }

// Act implements Adversary.
func (Silent) Act(_ *node, action consensus.Action) bool {
	switch action.(type) {
	case consensus.SignVote, consensus.SignProposal, consensus.SignCandidate, consensus.SignPass, consensus.SendSummary, consensus.SendTo:
		return true
	}
	return false
}

// Hear implements Adversary.
func (Silent) Hear(_ *node, _ int, m any) bool { return isRequest(m) }

// isRequest reports whether a peer waits for an answer to a message.
func isRequest(m any) bool {
	switch m.(type) {
	case bodyWanted, blocksWanted:
		return true
	}
	return false
}

// Crier announces a candidate at every height and never proposes or passes.
type Crier struct{ honest }

func (Crier) String() string { return "crier" }

// Begin implements Adversary.
func (Crier) Begin(n *node) { n.publishSoon(n.newCandidate(n.height())) }

// Act implements Adversary.
func (Crier) Act(_ *node, action consensus.Action) bool {
	switch action.(type) {
	case consensus.SignProposal, consensus.SignPass:
		return true
	}
	return false
}
