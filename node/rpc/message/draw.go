package message

import "github.com/posnet/posnet/node/types"

// Draw answers op draw: the lottery of one height, with all that is needed to
// compute it again. The draw of the height under way is known already.
type Draw struct {
	Height       uint64        `json:"height"`
	Seed         types.Hash    `json:"seed"`
	TotalWeight  uint64        `json:"totalWeight"`
	Participants []Participant `json:"participants"` // in the order the lottery takes them
	Order        []Turn        `json:"order"`        // the first places only; see limit
	Winner       *Winner       `json:"winner"`       // null until the block is committed
	Proof        Hex           `json:"proof"`        // the VRF proof of the block; empty until then
}

// Participant is one who takes part in a draw.
type Participant struct {
	Key    types.PublicKey  `json:"key"`    // a validator's key or a guest's session
	Name   string           `json:"name"`   // of a guest, that of its host
	Weight uint64           `json:"weight"` // tokens
	Host   *types.PublicKey `json:"host,omitempty"`
}

// Turn is one place in the order of a draw.
type Turn struct {
	Round    uint32          `json:"round"`
	Key      types.PublicKey `json:"key"` // a validator's key or a guest's session
	Name     string          `json:"name"`
	Proposer types.PublicKey `json:"proposer"` // the validator itself, or the guest's host
}

// Fairness answers op fairness: what the audit of all draws says. The p-values
// of Fit, Uniformity and Serial hold for one look; PValue for any number of them.
type Fairness struct {
	From         uint64  `json:"from"`         // the first height counted: 1, unless the node did not have older ones when it started
	Draws        uint64  `json:"draws"`        // heights counted
	PValue       float64 `json:"pValue"`       // bounds the chance that a fair lottery ever looks so unfair
	Fair         bool    `json:"fair"`         // pValue >= significance
	Significance float64 `json:"significance"` // 0 to 1
	Confidence   float64 `json:"confidence"`   // of the intervals, 0 to 1
	Fit          Test    `json:"fit"`          // goodness of fit over all participants
	Uniformity   Test    `json:"uniformity"`   // Kolmogorov-Smirnov
	Serial       Test    `json:"serial"`       // correlation of each height with the next
	Participants []Tally `json:"participants"`
	Others       Tally   `json:"others"` // guests, and validators that left long ago
}

// Test is the outcome of one statistical test.
type Test struct {
	Statistic float64 `json:"statistic"`
	Degrees   int     `json:"degrees,omitempty"` // of freedom, where the test has some
	PValue    float64 `json:"pValue"`            // 0 to 1
}

// Tally is what the draws gave one participant.
type Tally struct {
	Name     string           `json:"name,omitempty"`
	Key      *types.PublicKey `json:"key,omitempty"` // null for the others
	Heights  uint64           `json:"heights"`       // at which it took part
	Expected float64          `json:"expected"`      // draws
	Observed uint64           `json:"observed"`      // draws
	Low      float64          `json:"low"`           // the exact interval around Observed
	High     float64          `json:"high"`
	Won      uint64           `json:"won"`
	Missed   uint64           `json:"missed"`
}
