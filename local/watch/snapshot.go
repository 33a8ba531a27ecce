// Package watch follows a running network through the client API of its nodes,
// as anybody could, and tells what it sees as snapshots.
package watch

import (
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
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
	Round   uint32           // of the height under way, by the furthest node
	Step    string
	Pool    message.PoolSize
	Records uint64 // committed so far
	Guests  int    // in the draw
	Shares  map[string]Share
	Others  Share // guests, and validators that left
}

// shares puts what the lottery gave beside what it should have given. Where the
// audit has counted nothing yet, the stakes of now say what is to be expected.
func shares(v *message.Validators, a *message.Fairness, height uint64) (map[string]Share, Share) {
	out := map[string]Share{}
	if v == nil {
		return out, Share{}
	}
	for _, one := range v.Validators {
		out[one.Name] = Share{
			Expected: ratio(float64(one.EffectiveStake), float64(v.TotalStake)),
			Won:      ratio(float64(one.Won), float64(height)),
			Wins:     one.Won,
		}
	}
	if a == nil || a.Draws == 0 {
		return out, Share{}
	}
	for _, p := range a.Participants {
		if s, ok := out[p.Name]; ok {
			s.Expected = ratio(p.Expected, float64(a.Draws))
			out[p.Name] = s
		}
	}
	return out, Share{
		Expected: ratio(a.Others.Expected, float64(a.Draws)),
		Won:      ratio(float64(a.Others.Won), float64(height)),
		Wins:     a.Others.Won,
	}
}

func ratio(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}
