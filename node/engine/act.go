package engine

import (
	"errors"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// carryOut does what the core asks for, and returns the events that follow at
// once. A refusal to sign is silence: the core goes on as if the message had
// been lost.
func (e *Engine) carryOut(action consensus.Action) []consensus.Event {
	switch a := action.(type) {
	case consensus.SignVote:
		return e.signVote(a)
	case consensus.SignProposal:
		return e.signProposal(a)
	case consensus.SignCandidate:
		return e.signCandidate(a)
	case consensus.SignPass:
		return e.signPass(a)
	case consensus.BuildBlock:
		return []consensus.Event{e.build(a)}
	case consensus.CheckBlock:
		return e.checkProposal(a.Proposal)
	case consensus.Decide:
		return e.decide(&a.Certificate)
	case consensus.SetTimer:
		e.setTimer(a)
	case consensus.SendSummary:
		e.options.Links.Broadcast(p2p.KindSummary, a.Summary.Encode())
	case consensus.SendTo:
		e.resend(a)
	case consensus.Behind:
		e.peers.raise(a.From, a.Height-1)
		e.fetch.notice(e, a.Height-1)
	case consensus.ReportEvidence:
		e.keepEvidence(a.Evidence)
	}
	return nil
}

func (e *Engine) signVote(a consensus.SignVote) []consensus.Event {
	var with *content
	if a.Lock != nil {
		x := e.executedAgain(a.Lock.Proposal.Value())
		if x == nil {
			e.log.Error("asked to precommit a block that cannot be executed", "block", a.Block)
			return nil
		}
		with = newContent(a.Lock, x.Block.Records)
	}
	vote, err := e.signer.vote(a.Kind, a.Height, a.Round, a.Block, with)
	if err != nil {
		return e.refused(err)
	}
	e.options.Links.Broadcast(p2p.KindVote, vote.Encode())
	failpoint.Pass(failpoint.Sent)
	return []consensus.Event{consensus.VoteArrived{Vote: types.Vouch(vote)}}
}

func (e *Engine) signProposal(a consensus.SignProposal) []consensus.Event {
	proposal, raw, err := e.signer.proposal(a.Proposal)
	if err != nil {
		return e.refused(err)
	}
	e.options.Links.Broadcast(p2p.KindProposal, raw)
	failpoint.Pass(failpoint.Sent)
	return []consensus.Event{consensus.ProposalArrived{Proposal: types.Vouch(proposal)}}
}

func (e *Engine) signCandidate(a consensus.SignCandidate) []consensus.Event {
	c := e.signer.candidate(a.Height)
	e.options.Links.Broadcast(p2p.KindCandidate, c.Encode())
	return []consensus.Event{consensus.CandidateArrived{Candidate: types.Vouch(c)}}
}

func (e *Engine) signPass(a consensus.SignPass) []consensus.Event {
	p := e.signer.pass(a.Height, a.Round)
	e.options.Links.Broadcast(p2p.KindPass, p.Encode())
	return []consensus.Event{consensus.PassArrived{Pass: types.Vouch(p)}}
}

// refused tells apart a contradiction, which is kept to ourselves, from a disk
// that failed, after which nothing may be signed any more.
func (e *Engine) refused(err error) []consensus.Event {
	if errors.Is(err, errContradiction) || errors.Is(err, errFinal) {
		e.log.Warn("not signed", "reason", err)
		return nil
	}
	e.die(err)
	return nil
}

// resend sends a message that the core holds to a peer that lacks it.
func (e *Engine) resend(a consensus.SendTo) {
	switch m := a.Message.(type) {
	case *types.Vote:
		e.options.Links.Send(a.To, p2p.KindVote, m.Encode())
	case *types.Proposal:
		e.options.Links.Send(a.To, p2p.KindProposal, m.Encode())
	case *types.Candidate:
		e.options.Links.Send(a.To, p2p.KindCandidate, m.Encode())
	case *types.Pass:
		e.options.Links.Send(a.To, p2p.KindPass, m.Encode())
	case consensus.Summary:
		e.options.Links.Send(a.To, p2p.KindSummary, m.Encode())
	}
}

func (e *Engine) setTimer(a consensus.SetTimer) {
	timer := a.Timer
	if old := e.timers[timer.Kind]; old != nil {
		old.Stop()
	}
	e.timers[timer.Kind] = time.AfterFunc(a.After, func() { e.post(consensus.TimerFired{Timer: timer}) })
}
