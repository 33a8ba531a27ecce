package consensus

import (
	"fmt"
	"strings"

	"github.com/posnet/posnet/node/types"
)

// note prints an action, and remembers what has to be fed back.
func (s *script) note(a Action) string {
	switch a := a.(type) {
	case SignVote:
		v := VoteArrived{types.Vouch(&types.Vote{Kind: a.Kind, Height: a.Height, Round: a.Round, Block: a.Block, Validator: s.self})}
		s.signed, s.log = append(s.signed, v), append(s.keep(a.Lock), v)
		return fmt.Sprintf("sign %v %d %s%s", a.Kind, a.Round, s.name(a.Block), s.lock(a.Lock))
	case SignProposal:
		p := ProposalArrived{types.Vouch(a.Proposal)}
		s.signed, s.log = append(s.signed, p), append(s.log, p)
		return "sign " + s.message(a.Proposal)
	case SignCandidate:
		c := &types.Candidate{Height: a.Height, Validator: s.self}
		s.signed = append(s.signed, CandidateArrived{types.Vouch(c)})
		return "sign " + s.message(c)
	case SignPass:
		p := &types.Pass{Height: a.Height, Round: a.Round, Validator: s.self}
		s.signed, s.log = append(s.signed, PassArrived{types.Vouch(p)}), append(s.log, PassArrived{types.Vouch(p)})
		return "sign " + s.message(p)
	case SendSummary:
		return "send all " + s.summary(a.Summary)
	case SendTo:
		return fmt.Sprintf("send %s %s", keyName(a.To), s.message(a.Message))
	case SetTimer:
		s.timers[a.Timer.Kind] = a
		return fmt.Sprintf("timer %v %v", a.Timer.Kind, a.After)
	case BuildBlock:
		return fmt.Sprintf("build round %d for %s", a.Round, keyName(a.Winner))
	case CheckBlock:
		return "check " + s.name(a.Proposal.Block())
	case Decide:
		return fmt.Sprintf("decide %d round %d %s by %s", a.Certificate.Height, a.Certificate.Round, s.name(a.Certificate.Block), signers(a.Certificate))
	case Behind:
		return fmt.Sprintf("behind %s at %d", keyName(a.From), a.Height)
	case ReportEvidence:
		v, w := a.Evidence.First, a.Evidence.Second
		return fmt.Sprintf("evidence %s %v %d %s and %s", keyName(v.Validator), v.Kind, v.Round, s.name(v.Block), s.name(w.Block))
	}
	return fmt.Sprintf("%T", a)
}

// keep returns the log with a lock.
func (s *script) keep(l *Lock) []Event {
	log := s.log
	if l != nil {
		log = append(log, ProposalArrived{l.Proposal})
		for _, v := range l.Prevotes {
			log = append(log, VoteArrived{v})
		}
	}
	return log
}

func (s *script) lock(l *Lock) string {
	if l == nil {
		return ""
	}
	var from strings.Builder
	for _, v := range l.Prevotes {
		from.WriteString(keyName(v.Value().Validator))
	}
	return " keeping prevotes of " + from.String()
}

func signers(c types.Certificate) string {
	var out strings.Builder
	for _, sig := range c.Signatures {
		out.WriteString(keyName(sig.Validator))
	}
	return out.String()
}

func (s *script) message(m any) string {
	switch m := m.(type) {
	case *types.Proposal:
		out := fmt.Sprintf("proposal %s %d %s", keyName(m.Validator), m.Round, s.name(m.Block()))
		if m.ValidRound != types.NoRound {
			out += fmt.Sprintf(" valid in %d", m.ValidRound)
		}
		return out
	case *types.Vote:
		return fmt.Sprintf("%v %s %d %s", m.Kind, keyName(m.Validator), m.Round, s.name(m.Block))
	case *types.Candidate:
		return "candidate " + keyName(m.Validator)
	case *types.Pass:
		return fmt.Sprintf("pass %s %d", keyName(m.Validator), m.Round)
	case Summary:
		return s.summary(m)
	}
	return fmt.Sprintf("%T", m)
}

func (s *script) summary(m Summary) string {
	out := fmt.Sprintf("summary height %d round %d", m.Height, m.Round)
	if !m.Proposal.IsZero() {
		out += " proposal=" + s.name(m.Proposal)
	}
	if m.Passed {
		out += " passed"
	}
	out += s.members(" prevotes=", m.Prevotes) + s.members(" precommits=", m.Precommits) + s.members(" candidates=", m.Candidates)
	if !m.Wanted.IsZero() {
		out += " wanted=" + s.name(m.Wanted)
	}
	if m.POLRound != types.NoRound {
		out += fmt.Sprintf(" pol=%d:%s:%s", m.POLRound, s.name(m.POLBlock), s.members("", m.POLPrevotes))
	}
	return out
}

func (s *script) members(label string, b Bitmap) string {
	out := ""
	for i := range s.set.Len() {
		if b.Has(i) {
			out += keyName(s.set.At(i).Key)
		}
	}
	if out == "" {
		return ""
	}
	return label + out
}
