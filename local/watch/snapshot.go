// Package watch follows a running network through the client API of its nodes,
// as anybody could, and tells what it sees as snapshots.
package watch

import (
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Node is a node to follow, and where it listens as host:port; empty where it
// does not.
type Node struct {
	Name    string
	Stake   uint64 // by the spec, in tokens; 0: departing
	API     string
	Console string
	Metrics string
}

// URL is the websocket URL of the node's client API.
func (n Node) URL() string { return "ws://" + n.API + "/ws" }

// Share is one participant's part of the lottery.
type Share struct {
	Expected float64 // of all draws, 0 to 1, by the stakes at each
	Won      float64 // of all blocks, 0 to 1
	Wins     uint64
}

// Snapshot is the network at one time.
type Snapshot struct {
	Time    time.Time
	Nodes   []Node
	Status  v1alpha1.PosNetworkStatus
	New     []message.Winner // blocks since the snapshot before, the oldest first
	Round   uint32           // of the height under way, by the node whose height is believed
	Step    string
	Pool    message.PoolSize
	Records uint64 // committed so far
	Guests  int    // in the draw
	Shares  map[string]Share
	Others  Share // all else: guests, and validators that left
}

// shares puts what the lottery gave beside what it should have given. Where the
// audit has counted nothing yet, the stakes of now say what is to be expected.
func shares(v *message.Validators, a *message.Fairness, height uint64) (map[string]Share, Share) {
	out := map[string]Share{}
	if v == nil {
		return out, Share{}
	}
	audited := a != nil && a.Draws > 0
	names := map[types.PublicKey]string{}
	for _, one := range v.Validators {
		names[one.Key] = one.Name
		s := Share{Won: ratio(float64(one.Won), float64(height)), Wins: one.Won}
		if !audited {
			s.Expected = ratio(float64(one.EffectiveStake), float64(v.TotalStake))
		}
		out[one.Name] = s // one that was in no draw yet has nothing to expect
	}
	if !audited {
		return out, Share{}
	}
	others := a.Others
	for _, p := range a.Participants {
		name := ""
		if p.Key != nil {
			name = names[*p.Key] // a guest goes by the name of its host, and has a key of its own
		}
		if name == "" {
			others.Expected += p.Expected
			others.Won += p.Won
			continue
		}
		s := out[name]
		s.Expected = ratio(p.Expected, float64(a.Draws))
		out[name] = s
	}
	return out, Share{
		Expected: ratio(others.Expected, float64(a.Draws)),
		Won:      ratio(float64(others.Won), float64(height)),
		Wins:     others.Won,
	}
}

func ratio(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}
