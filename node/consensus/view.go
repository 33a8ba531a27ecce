package consensus

import "github.com/posnet/posnet/node/types"

// View is where a core stands, for status displays.
type View struct {
	Height      uint64          `json:"height"` // 0 before the first NewHeight
	Round       uint32          `json:"round"`
	Step        Step            `json:"step"`
	Winner      types.PublicKey `json:"winner"`      // of the round's turn
	Proposer    types.PublicKey `json:"proposer"`    // of the round's turn
	Locked      types.Hash      `json:"locked"`      // zero: no lock
	LockedRound int64           `json:"lockedRound"` // types.NoRound: no lock
	ValidRound  int64           `json:"validRound"`  // types.NoRound: no valid value
}

// Step is what a core is about.
type Step uint8

// The steps of a height. The first two and the last are not in the paper: a
// height begins when a candidate is there, and ends with a decision.
const (
	StepWait      Step = iota // the rest of minBlockInterval
	StepIdle                  // no candidate yet: nothing is signed
	StepPause                 // the order was used up; it begins again after a pause
	StepPropose               // for a proposal
	StepPrevote               // for prevotes
	StepPrecommit             // for precommits
	StepDecided               // for the next height
)

// String returns the step's name.
func (s Step) String() string {
	names := [...]string{"wait", "idle", "pause", "propose", "prevote", "precommit", "decided"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (s Step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
