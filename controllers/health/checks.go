package health

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
)

// verdict is one check's outcome.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

// checks in the order they are shown.
var checks = []struct {
	condition string
	judge     func(*facts) verdict
}{
	{v1alpha1.ConditionReady, ready},
	{v1alpha1.ConditionProgressing, progressing},
	{v1alpha1.ConditionDegraded, degraded},
	{v1alpha1.ConditionQuorumLost, quorumLost},
	{v1alpha1.ConditionDiverged, diverged},
	{v1alpha1.ConditionLotteryFair, lotteryFair},
}

func yes(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionTrue, reason, fmt.Sprintf(format, args...)}
}

func no(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}

func unknown(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionUnknown, reason, fmt.Sprintf(format, args...)}
}

func ready(f *facts) verdict {
	switch {
	case f.Invalid != nil:
		return no(f.Invalid.Reason, "%s", f.Invalid.Message)
	case f.Hibernated:
		return no("Hibernated", "the network hibernates")
	case f.forked != "":
		return no("Diverged", "%s", f.forked)
	case !f.isQuorum(f.online):
		return no("QuorumLost", "%s", f.share())
	case f.stalled != "":
		return no("Stalled", "%s, and %s", f.share(), f.stalled)
	case !f.isQuorum(f.agreeing) && len(f.lying) > 0:
		return no("Disagreement", "%s: %s", f.share(), f.astray())
	case !f.isQuorum(f.agreeing):
		return no("CatchingUp", "%s: %s not caught up yet", f.share(), isOrAre(f.behind))
	}
	return yes("QuorumAgrees", "%s, and they agree", f.share())
}

func (f *facts) share() string {
	return fmt.Sprintf("validators with %d of a total stake of %d are online", f.online, f.stakes.total)
}

func progressing(f *facts) verdict {
	switch {
	case f.Invalid != nil:
		return no(f.Invalid.Reason, "%s. All stays as it is until the spec is put right", strings.TrimRight(f.Invalid.Message, "."))
	case len(f.Stopped) > 0 && f.Changing != "":
		return no(f.Stopped[0].Reason, "%s. Meanwhile: %s", tell(f.Stopped), f.Changing)
	case len(f.Stopped) > 0:
		return no(f.Stopped[0].Reason, "%s", tell(f.Stopped))
	case f.Changing != "":
		return yes("Changing", "%s", f.Changing)
	case f.Paused:
		return no("Paused", "spec.paused is set: the network stays as it is")
	}
	return no("AsSpecified", "the network is what its spec says")
}

// maxTold is how many problems of a kind a condition spells out: what they have
// in common shows in a few.
const maxTold = 5

// tell says problems one after the other.
func tell(problems []Problem) string {
	var said []string
	for _, p := range problems[:min(len(problems), maxTold)] {
		said = append(said, p.Message)
	}
	text := strings.Join(said, "; ")
	if more := len(problems) - maxTold; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func degraded(f *facts) verdict {
	reason := ""
	switch {
	case f.stalled != "":
		reason = "Stalled"
	case len(f.lying) > 0:
		reason = "ValidatorsLie"
	case len(f.Troubles) > 0:
		reason = f.Troubles[0].Reason
	case len(f.silent) > 0:
		reason = "ValidatorsOffline"
	case len(f.behind) > 0:
		reason = "ValidatorsBehind"
	}
	switch {
	case f.Hibernated && len(f.Troubles) == 0:
		return no("Hibernated", "the network hibernates")
	case f.Hibernated:
		return yes(reason, "%s", tell(f.Troubles))
	case reason == "":
		return no("AllOnline", "all validators are online and caught up")
	}
	said := []string{f.stalled, f.astray(), tell(f.Troubles)}
	return yes(reason, "%s", strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "; "))
}

// astray says which validators are not as they should be; empty: none.
func (f *facts) astray() string {
	said := slices.Clone(f.lying)
	if len(f.behind) > 0 {
		said = append(said, isOrAre(f.behind)+" not caught up")
	}
	if len(f.silent) > 0 {
		said = append(said, isOrAre(f.silent)+" offline")
	}
	return strings.Join(said, "; ")
}

func quorumLost(f *facts) verdict {
	switch {
	case f.Hibernated:
		return no("Hibernated", "the network hibernates")
	case f.isQuorum(f.online):
		return no("QuorumOnline", "%s; more than two thirds are needed", f.share())
	}
	return yes("TooLittleStake", "%s; more than two thirds are needed: the chain stands still, and nothing is lost", f.share())
}

func diverged(f *facts) verdict {
	if f.forked != "" {
		return yes("DifferentBlocks", "%s", f.forked)
	}
	return no("SameBlocks", "wherever two validators tell of one height, they hold the same block")
}

func lotteryFair(f *facts) verdict {
	switch a := f.Fairness; {
	case a == nil || a.Draws == 0:
		return unknown("NoDraws", "no draw has been audited yet")
	case !a.Fair:
		return no("Unfair", "%d draws do not fit the stakes: a fair lottery ever looks so unfair with a chance of %.3g at most", a.Draws, a.PValue)
	case a.Fit.Degrees == 0:
		return yes("FitsStakes", "nothing speaks against the lottery; %d draws are too few for a test of fit", a.Draws)
	default:
		return yes("FitsStakes", "%d draws fit the stakes with a p-value of %.3g", a.Draws, a.Fit.PValue)
	}
}
