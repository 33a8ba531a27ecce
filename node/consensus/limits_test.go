package consensus

import (
	"fmt"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

func TestTimeoutsGrowWithSlowRounds(t *testing.T) {
	for _, test := range []struct {
		base time.Duration
		slow int64
		want time.Duration
	}{
		{3 * time.Second, 0, 3 * time.Second},
		{3 * time.Second, 1, 3750 * time.Millisecond},
		{3 * time.Second, 4, 6 * time.Second},
		{3 * time.Second, 1000, time.Minute},
		{10 * time.Millisecond, 4, 20 * time.Millisecond},
		{10 * time.Millisecond, 1 << 40, time.Minute},
		{2 * time.Minute, 0, 2 * time.Minute},
		{2 * time.Minute, 9, 2 * time.Minute},
		{0, 9, 0},
	} {
		c := &Core{heightState: heightState{slow: test.slow}}
		if got := c.timeout(test.base); got != test.want {
			t.Errorf("%v after %d slow rounds: %v, want %v", test.base, test.slow, got, test.want)
		}
	}
}

func TestPausesDouble(t *testing.T) {
	for barren, want := range map[int64]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 6: 3200 * time.Millisecond,
		7: 5 * time.Second, 8: 5 * time.Second, 1 << 40: 5 * time.Second,
	} {
		if got := pause(barren); got != want {
			t.Errorf("pause %d is %v, want %v", barren, got, want)
		}
	}
}

// Before the first height there is nothing to do for anything.
func TestCoreWithoutHeightDoesNothing(t *testing.T) {
	core := New(Config{Self: testKey("a"), ProposeTimeout: time.Second})
	for _, e := range []Event{
		TimerFired{}, TimerFired{Timer{Kind: 200}}, ProposalArrived{}, VoteArrived{}, CandidateArrived{}, PassArrived{},
		ProposalArrived{types.Vouch(&types.Proposal{Height: 1})},
		VoteArrived{types.Vouch(&types.Vote{Kind: types.Prevote, Height: 1})},
		CandidateArrived{types.Vouch(&types.Candidate{Height: 1})},
		PassArrived{types.Vouch(&types.Pass{Height: 1})},
		SummaryArrived{From: testKey("b"), Summary: Summary{Height: 5}},
		BlockChecked{Valid: true}, BlockBuilt{}, CandidateReady{Ready: true},
		LinkChanged{Validator: testKey("b"), Up: true}, VotingAllowed{Allowed: true}, nil,
	} {
		if actions := core.Step(e); len(actions) > 0 {
			t.Errorf("%#v: %v", e, actions)
		}
	}
	if v := core.View(); v.Height != 0 || v.Step.String() != "wait" {
		t.Errorf("the view is %+v", v)
	}
}

// crowd returns a core among so many validators, v0 first, at height 1.
func crowd(t *testing.T, n int) (*Core, *types.ValidatorSet) {
	var spec []string
	for i := range n {
		spec = append(spec, fmt.Sprintf("v%02d:1", i))
	}
	set := testSet(t, spec)
	core := New(Config{Self: set.At(0).Key, ProposeTimeout: time.Second})
	order := testOrder{{Winner: set.At(1).Key, Proposer: set.At(1).Key}}
	core.Step(NewHeight{Height: 1, Validators: set, Order: order})
	return core, set
}

func TestEarlyMessagesAreLimited(t *testing.T) {
	core, set := crowd(t, 4)
	for round := range uint32(100) {
		for i := range set.Len() {
			who := set.At(i).Key
			core.Step(VoteArrived{types.Vouch(&types.Vote{Kind: types.Prevote, Height: 2, Round: round, Validator: who})})
			core.Step(ProposalArrived{types.Vouch(&types.Proposal{Height: 2, Round: round, ValidRound: types.NoRound, Validator: who})})
			core.Step(VoteArrived{types.Vouch(&types.Vote{Kind: types.Prevote, Height: 3, Round: round, Validator: who})})
		}
	}
	proposals := 0
	for _, e := range core.early.events {
		if _, ok := e.(ProposalArrived); ok {
			proposals++
		}
	}
	if len(core.early.events) != 4*earlyPerValidator || proposals != 4 {
		t.Errorf("%d messages and %d proposals of 4 validators are kept", len(core.early.events), proposals)
	}
}

func TestAnswersAreLimited(t *testing.T) {
	core, set := crowd(t, types.MaxValidators)
	for round := range uint32(2) {
		for i := range set.Len() - 34 { // no quorum, so that nothing is decided
			who := set.At(i + 34).Key
			core.Step(CandidateArrived{types.Vouch(&types.Candidate{Height: 1, Validator: who})})
			for _, kind := range []types.VoteKind{types.Prevote, types.Precommit} {
				core.Step(VoteArrived{types.Vouch(&types.Vote{Kind: kind, Height: 1, Round: round, Validator: who, Block: types.Hash{1}})})
			}
		}
	}
	ask := SummaryArrived{From: set.At(50).Key, Summary: Summary{Height: 1, POLRound: types.NoRound}}
	if got := len(core.Step(ask)); got != answerLimit {
		t.Errorf("%d messages in an answer, want %d", got, answerLimit)
	}
	for range answersIdle {
		core.Step(ask)
	}
	if got := len(core.Step(ask)); got != 0 {
		t.Errorf("%d messages for a peer that asks again and again", got)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		BeatTimer.String(): "beat", TimerKind(99).String(): "timer kind 99",
		StepDecided.String(): "decided", Step(99).String(): "unknown",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if text, err := StepPause.MarshalText(); string(text) != "pause" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
