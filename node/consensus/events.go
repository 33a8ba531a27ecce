package consensus

import (
	"time"

	"github.com/posnet/posnet/node/types"
)

// Event is something that happened. The types of this file are all there are.
type Event interface{ isEvent() }

// NewHeight begins a height: at the start, after each commit, and after blocks
// were fetched. Whatever the core knew of another height is forgotten, and so
// is CandidateReady; only what arrived early for this height stays.
type NewHeight struct {
	Height     uint64
	Validators *types.ValidatorSet // of this height
	Order      Order               // the draw of this height
	Wait       time.Duration       // the rest of minBlockInterval; 0 for none
	// Resume is set for the first height after a restart: all that the sign log
	// holds of this height, as ...Arrived events in the order of the log. They
	// are taken in before anything is done.
	Resume []Event
}

// Order is the draw of one height. The core asks for the turns of few rounds,
// so drawing may be lazy; the same question must get the same answer.
type Order interface {
	// Len returns how many participants were drawn from, at least 1.
	Len() int
	// At returns the turn at a place from 0 to Len-1. Round r belongs to the
	// turn at r mod Len.
	At(place int) Turn
}

// Turn is one place in the order.
type Turn struct {
	Winner   types.PublicKey // a validator, or a guest's session key
	Proposer types.PublicKey // the winner, or the validator that hosts the guest
}

// TimerFired tells that the time given with SetTimer is over. Firing too late,
// twice, or a timer that was replaced does no harm.
type TimerFired struct{ Timer Timer }

// ProposalArrived brings a verified proposal, a peer's or an own one. Its form
// must have been checked (types.DecodeProposal does).
type ProposalArrived struct {
	Proposal types.Verified[*types.Proposal]
}

// VoteArrived brings a verified vote, a peer's or an own one.
type VoteArrived struct {
	Vote types.Verified[*types.Vote]
}

// CandidateArrived brings a verified announcement, a peer's or an own one.
type CandidateArrived struct {
	Candidate types.Verified[*types.Candidate]
}

// PassArrived brings a verified pass, a peer's or an own one.
type PassArrived struct {
	Pass types.Verified[*types.Pass]
}

// SummaryArrived brings what a peer says it has. It is not signed: From is
// whom the link belongs to.
type SummaryArrived struct {
	From    types.PublicKey
	Summary Summary
}

// BlockChecked answers CheckBlock: whether the block may follow upon the chain,
// with all its records at hand. Valid is final. An invalid block is asked for
// again if it is proposed in a later round or a quorum speaks for it, for its
// records may have been missing or its time ahead.
type BlockChecked struct {
	Block types.Hash
	Valid bool
}

// BlockBuilt answers BuildBlock, for the height and round asked. A nil Block
// means that there is no candidate block; the core then passes. An answer that
// comes when the round is gone is ignored.
type BlockBuilt struct {
	Height    uint64
	Round     uint32
	Block     *types.Header
	RecordIDs []types.Hash // in the order of the block
}

// CandidateReady tells whether this node has a candidate block for the height
// at work: sent whenever that changes, and if true after each NewHeight, which
// starts with false.
type CandidateReady struct{ Ready bool }

// LinkChanged tells that the link to a validator came up or went down. A
// validator never spoken of counts as up. It outlasts heights.
type LinkChanged struct {
	Validator types.PublicKey
	Up        bool
}

// VotingAllowed tells whether this node may sign at all. It may from the
// start; one that lost its disk is told false before its first NewHeight, and
// follows without a signature until told true. The core then signs at the
// height it is at, so true must come after the NewHeight of the first height
// that is safe, not before. It outlasts heights.
type VotingAllowed struct{ Allowed bool }

func (NewHeight) isEvent()        {}
func (TimerFired) isEvent()       {}
func (ProposalArrived) isEvent()  {}
func (VoteArrived) isEvent()      {}
func (CandidateArrived) isEvent() {}
func (PassArrived) isEvent()      {}
func (SummaryArrived) isEvent()   {}
func (BlockChecked) isEvent()     {}
func (BlockBuilt) isEvent()       {}
func (CandidateReady) isEvent()   {}
func (LinkChanged) isEvent()      {}
func (VotingAllowed) isEvent()    {}
