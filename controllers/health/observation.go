// Package health judges a network by what its nodes answered: an ordered list
// of checks, each of which gives one condition with reason and message, and the
// status that shows them. It is pure; laptop and operator gather the answers
// each in their own way and judge alike.
package health

import (
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Observation is what was seen of a network at one time.
type Observation struct {
	Time       time.Time
	Generation int64 // of the spec
	Hibernated bool
	Paused     bool
	// Patience is how long a block may be worked at before the chain counts as
	// standing still, see Patience; 0: for ever.
	Patience time.Duration

	// Invalid is why the spec as a whole is not followed, such as a rule that does
	// not compile; nil: it is.
	Invalid *Problem
	// Stopped are what keeps the network from becoming what its spec says, until a
	// person or time mends it: a rollout that is stopped, stakes held back, a name
	// that is taken, a quota that is full. The gravest first.
	Stopped []Problem
	// Changing says in one clause what is being brought to what the spec says;
	// empty: nothing.
	Changing string
	// Troubles are what keeps validators from running, or will when they start the
	// next time: an image, a volume, a lost key. The gravest first.
	Troubles []Problem

	Nodes []Node // those of the spec in its order, those departing last
	// What one of the nodes answered of all, see Head; nil where none did.
	Validators *message.Validators
	Fairness   *message.Fairness
	Evidence   []message.Evidence
	Endpoints  v1alpha1.Endpoints
}

// Problem is something that a person has to know of.
type Problem struct {
	Reason  string // of the condition it becomes, in CamelCase
	Message string // what is wrong with which object, and what to do
}

// Reasons of problems that are the same whoever finds them.
const (
	ReasonBadRule        = "BadRule"        // Invalid: a builder rule does not compile
	ReasonNameTaken      = "NameTaken"      // Stopped: an object of that name is somebody else's
	ReasonQuota          = "QuotaExceeded"  // Stopped: the namespace may hold no more
	ReasonRefused        = "Refused"        // Stopped: the API server refuses an object
	ReasonRolloutStopped = "RolloutStopped" // Stopped: see rollout.Step
	ReasonStakesHeld     = "StakesHeld"     // Stopped: see rollout.Changes
	ReasonImage          = "ImageUnavailable"
	ReasonVolume         = "VolumeUnavailable"
	ReasonUnschedulable  = "Unschedulable"
	ReasonCrashing       = "Crashing"
	ReasonStranger       = "SomebodyElse" // what answers at a pod's address is another node
)

// Node is what one validator's node answered.
type Node struct {
	Name    string
	Address string           // host:port of its client API
	Stake   uint64           // by the spec, in tokens; 0: departing
	Status  *message.Status  // nil: it does not answer
	Winners []message.Winner // its newest, newest first
	// Blocks are the hashes that it gives for further heights: one that all nodes
	// have, so that those far apart can be held beside each other too.
	Blocks map[uint64]types.Hash

	// What a Memory knows of it.
	Working time.Time // since when it works at the block under way; zero: it does not
	Told    uint64    // the greatest height it told of so long ago that the others must have it; 0: none
}

// Patience is how long a block of a network may take when all is well with its
// quorum: some rounds of those that time out.
func Patience(c v1alpha1.Consensus) time.Duration {
	const rounds, least = 10, 30 * time.Second
	return max(least, c.MinBlockInterval.Duration+rounds*c.ProposeTimeout.Duration)
}
