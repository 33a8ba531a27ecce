// Package nodes knows at any time how the nodes of many networks are. It asks in
// the background: each node every few seconds, and one node of each network to
// tell of blocks as they come. A reconcile reads what is known and waits for
// nothing.
//
// No node is believed about another. What it tells of itself is kept beside who it
// is, and package health judges what that makes of the network.
package nodes

import (
	"time"

	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/settle"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Target is a node to ask.
type Target struct {
	Name    string
	Key     types.PublicKey // that whoever answers must have
	Stake   uint64          // by the spec, in tokens; 0: departing
	Address string          // host:port of its client API; empty: there is none now
	// Pod is what is meant to answer there, such as the pod's UID: what was known is
	// void when that changes.
	Pod string
}

// Network is what to follow, and what to bring about in it.
type Network struct {
	ID      types.Hash // of its genesis: what answers for another network is not believed
	Targets []Target

	// Changes of stake that may be sent now, in this order; see rollout.Changes.
	// They are signed with Authority, looked after, and sent again where they are
	// lost; those that start from other stakes than the chain has are left alone.
	Changes   []plan.StakeChange
	Authority types.PrivateKey
}

// Snapshot is what is known of a network. It does not change.
type Snapshot struct {
	Nodes []Node // in the order of the targets

	// What one node says of all that is caught up. nil: none said yet.
	Validators *message.Validators
	Fairness   *message.Fairness
	Evidence   []message.Evidence

	Settling  settle.Progress
	Unsettled string // why changes of stake cannot be sent, a sentence; empty: they can
}

// Node is what is known of one node.
type Node struct {
	// Node is as health wants it: Status is nil while the node does not answer, or
	// is not who it should be.
	health.Node
	Key     types.PublicKey
	Pod     string
	Online  bool      // it answers, is caught up by what is known of the others, and votes
	Since   time.Time // when it began to answer, without a break; zero: it does not
	Problem string    // why its status is nil, a sentence; empty: it has one, or was not asked yet
	Strange bool      // Problem is that somebody else answers at its address
}

// Observe puts what is known into an observation.
func (s *Snapshot) Observe(o *health.Observation) {
	o.Nodes = make([]health.Node, len(s.Nodes))
	for i, n := range s.Nodes {
		o.Nodes[i] = n.Node
	}
	o.Validators, o.Fairness, o.Evidence = s.Validators, s.Fairness, s.Evidence
}

// Online returns the keys of the nodes that answer, are caught up and vote.
func (s *Snapshot) Online() map[types.PublicKey]bool {
	out := map[types.PublicKey]bool{}
	for _, n := range s.Nodes {
		if n.Online {
			out[n.Key] = true
		}
	}
	return out
}
