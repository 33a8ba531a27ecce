package health

import (
	"fmt"
	"math"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Status judges an observation. previous is the status before, from which comes
// what can only be known over time: since when a condition holds, that the chain
// once diverged, and the head while nobody answers.
func Status(o Observation, previous v1alpha1.PosNetworkStatus) v1alpha1.PosNetworkStatus {
	f := gather(o, previous)
	s := v1alpha1.PosNetworkStatus{
		ObservedGeneration: o.Generation,
		Height:             previous.Height,
		HeadHash:           previous.HeadHash,
		HeadTime:           previous.HeadTime,
		Winners:            previous.Winners,
		TotalStake:         number(f.stakes.total),
		OnlineStake:        number(f.online),
		FaultMargin:        number(f.margin()),
		Evidence:           previous.Evidence,
		Endpoints:          o.Endpoints,
		Fairness:           previous.Fairness,
	}
	if f.head != nil {
		s.Height = number(f.head.Status.Height)
		s.HeadHash = f.head.Status.HeadHash.String()
		s.HeadTime = headTime(f.head.Status.HeadTime)
		s.Winners = winners(f.head.Winners)
		s.Evidence = int64(f.head.Status.Evidence)
	}
	if o.Fairness != nil {
		s.Fairness = fairness(o.Fairness)
	}
	s.Validators = f.validators(previous.Validators)
	s.ValidatorsOnline = fmt.Sprintf("%d/%d", len(o.Nodes)-len(f.silent), len(o.Nodes))
	s.Conditions = f.conditions(previous.Conditions)
	s.Phase = f.phase(s.Conditions, previous.Phase)
	return s
}

// number turns an amount into what the API has: amounts are below 2^53, and a
// height that is not has a faulty node behind it.
func number(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func headTime(t message.Timestamp) *metav1.Time {
	if t == 0 {
		return nil
	}
	v := metav1.NewTime(types.Time(t).Std())
	return &v
}

func winners(list []message.Winner) []v1alpha1.Winner {
	out := make([]v1alpha1.Winner, 0, v1alpha1.MaxWinners)
	for _, w := range list[:min(len(list), v1alpha1.MaxWinners)] {
		out = append(out, v1alpha1.Winner{
			Height: number(w.Height), Round: int64(w.Round), Validator: WinnerName(w), Hash: w.Hash.String(),
			Time: metav1.NewTime(types.Time(w.Time).Std()), Records: int64(w.Records),
		})
	}
	return out
}

// WinnerName is what a block's winner is called: a validator by its name, a
// guest by the beginning of the session key that the console told it.
func WinnerName(w message.Winner) string {
	if w.Guest {
		return "guest " + w.Key.Short()
	}
	return w.Validator
}

func fairness(a *message.Fairness) *v1alpha1.Fairness {
	out := &v1alpha1.Fairness{Draws: number(a.Draws), Fair: a.Fair}
	if a.Fit.Degrees > 0 {
		p := a.Fit.PValue
		out.PValue = &p
	}
	return out
}

func (f *facts) validators(previous []v1alpha1.ValidatorStatus) []v1alpha1.ValidatorStatus {
	before := map[string]v1alpha1.ValidatorStatus{}
	for _, v := range previous {
		before[v.Name] = v
	}
	caught := map[string]int64{}
	for _, e := range f.Evidence {
		caught[e.Name]++
	}
	out := make([]v1alpha1.ValidatorStatus, 0, len(f.Nodes))
	for i := range f.Nodes {
		n := &f.Nodes[i]
		v := before[n.Name]
		v.Name, v.Address, v.Stake, v.Online = n.Name, n.Address, number(n.Stake), n.Status != nil
		if n.Status != nil {
			v.Height = number(n.Status.Height)
		}
		if f.Validators != nil {
			e := f.stakes.validator(n)
			v.EffectiveStake = number(e.EffectiveStake)
			v.Drawn, v.Won, v.Missed = number(e.Drawn), number(e.Won), number(e.Missed)
			v.Evidence = caught[n.Name]
		}
		out = append(out, v)
	}
	return out
}

// conditions runs the checks. A condition keeps its time while its status does.
func (f *facts) conditions(previous []metav1.Condition) []metav1.Condition {
	before := map[string]metav1.Condition{}
	for _, c := range previous {
		before[c.Type] = c
	}
	out := make([]metav1.Condition, 0, len(checks))
	for _, check := range checks {
		v := check.judge(f)
		c := metav1.Condition{
			Type: check.condition, Status: v.status, Reason: v.reason, Message: cut(v.message),
			ObservedGeneration: f.Generation, LastTransitionTime: metav1.NewTime(f.Time),
		}
		if old, known := before[c.Type]; known && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		out = append(out, c)
	}
	return out
}

// maxMessage is the most characters of a condition's message: enough for a
// hundred validators' names and some problems, an eighth of what an API server
// takes.
const maxMessage = 4096

func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage-len("…")], "") + "…"
}

func (f *facts) phase(conditions []metav1.Condition, previous v1alpha1.Phase) v1alpha1.Phase {
	is := map[string]bool{}
	for _, c := range conditions {
		is[c.Type] = c.Status == metav1.ConditionTrue
	}
	switch {
	case is[v1alpha1.ConditionDiverged]:
		return v1alpha1.PhaseDiverged
	case f.Hibernated:
		return v1alpha1.PhaseHibernated
	case !is[v1alpha1.ConditionReady] && (previous == "" || previous == v1alpha1.PhasePending):
		return v1alpha1.PhasePending
	case is[v1alpha1.ConditionQuorumLost], f.stalled != "":
		return v1alpha1.PhaseHalted
	case f.Paused:
		return v1alpha1.PhasePaused
	case is[v1alpha1.ConditionDegraded]:
		return v1alpha1.PhaseDegraded
	}
	return v1alpha1.PhaseRunning
}
