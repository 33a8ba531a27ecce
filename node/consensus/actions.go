package consensus

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/types"
)

// Action is something the driver is to do. The types of this file are all
// there are.
type Action interface{ isAction() }

// SignVote asks for an own vote: persist (synced), sign, broadcast, and feed
// back by VoteArrived. It is asked once per height, round and kind.
type SignVote struct {
	Kind   types.VoteKind
	Height uint64
	Round  uint32
	Block  types.Hash // zero: for nil
	Lock   *Lock      // of a precommit for a block, else nil
}

// Lock is what a validator that precommitted a block needs after a restart to
// defend it: without the block or the quorum behind it, a network that lost
// power in the wrong moment would be bound to a block that nobody can propose.
// The driver persists it, with the block's records, in the same synced write
// as the precommit, for each precommit anew: the prevotes are of its round.
// After a restart it comes back with the precommit, as ProposalArrived and
// VoteArrived.
type Lock struct {
	Proposal types.Verified[*types.Proposal]
	Prevotes []types.Verified[*types.Vote] // of one round, a quorum for the block
}

// SignProposal asks for an own proposal: persist (synced), sign, broadcast,
// and feed back by ProposalArrived. Validator is filled in; Signature is not.
// It is asked once per height and round.
type SignProposal struct{ Proposal *types.Proposal }

// SignCandidate asks to announce that this node has a candidate block: sign,
// broadcast, and feed back by CandidateArrived. It contradicts nothing, so it
// need not be persisted.
type SignCandidate struct{ Height uint64 }

// SignPass asks to pass the round: sign, broadcast, and feed back by
// PassArrived. It contradicts nothing, so it need not be persisted.
type SignPass struct {
	Height uint64
	Round  uint32
}

// SendSummary asks to send the summary on all links.
type SendSummary struct{ Summary Summary }

// SendTo asks to send one peer a message: a *types.Proposal, *types.Vote,
// *types.Candidate or *types.Pass, all signed already, or a Summary. If there
// is no link to the peer, nothing is sent.
type SendTo struct {
	To      types.PublicKey
	Message any
}

// SetTimer asks for TimerFired after a while. It replaces a pending timer of
// the same kind; whether the replaced one fires nevertheless does not matter.
type SetTimer struct {
	Timer Timer
	After time.Duration
}

// BuildBlock asks for a block for an own turn; BlockBuilt answers. The header
// is to bear this height and round, the winner, this node as the proposer, and
// the hash of the validator set.
type BuildBlock struct {
	Height uint64
	Round  uint32
	Winner types.PublicKey // this validator, or a guest it hosts
}

// CheckBlock asks whether the proposed block is valid: to fetch the records
// that the pool lacks, to check network, proof, time, previous hash and state,
// and to execute it. BlockChecked answers, unless the height ends before. A block is
// asked about once per round at most.
type CheckBlock struct{ Proposal *types.Proposal }

// Decide tells that the block of the certificate is final: fetch it from a
// peer if it is not at hand, commit, and send the NewHeight that follows. The
// core does nothing more at this height but to help others.
type Decide struct{ Certificate types.Certificate }

// Behind tells that a peer is at a greater height: fetch the blocks up to
// Height-1. It comes with each of the peer's summaries until NewHeight.
type Behind struct {
	From   types.PublicKey
	Height uint64
}

// ReportEvidence tells of a validator that contradicted itself; once per
// validator, round and kind.
type ReportEvidence struct{ Evidence types.Evidence }

func (SignVote) isAction()       {}
func (SignProposal) isAction()   {}
func (SignCandidate) isAction()  {}
func (SignPass) isAction()       {}
func (SendSummary) isAction()    {}
func (SendTo) isAction()         {}
func (SetTimer) isAction()       {}
func (BuildBlock) isAction()     {}
func (CheckBlock) isAction()     {}
func (Decide) isAction()         {}
func (Behind) isAction()         {}
func (ReportEvidence) isAction() {}

// Timer names one timer. Timers are compared as a whole.
type Timer struct {
	Kind   TimerKind
	Height uint64
	Count  uint32 // the round, or for Beat a running number
}

// TimerKind is what a timer is for.
type TimerKind uint8

// The timers of a core; at most one of each kind is pending.
const (
	WaitTimer      TimerKind   = iota // the rest of minBlockInterval
	AnnounceTimer                     // the own candidate is announced then
	PauseTimer                        // before an order begins again
	ProposeTimer                      // timeoutPropose of the paper
	PrevoteTimer                      // timeoutPrevote
	PrecommitTimer                    // timeoutPrecommit
	BeatTimer                         // a summary may be due
	TimerKinds     = int(iota)        // how many kinds there are
)

// String returns the kind's name.
func (k TimerKind) String() string {
	names := [TimerKinds]string{"wait", "announce", "pause", "propose", "prevote", "precommit", "beat"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("timer kind %d", uint8(k))
}
