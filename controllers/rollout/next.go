package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pod is how far a validator's pod is.
type Pod int

// The pods a validator may have.
const (
	PodNone    Pod = iota // there is none
	PodOld                // it runs under another template than its StatefulSet has now
	PodCurrent            // it runs under its StatefulSet's template
)

// Validator is one validator as a rollout sees it.
type Validator struct {
	Share // its stakes: by the height under way, by the newest block, by the spec

	// Online says that the pod that is there now answers, is caught up and votes. An
	// answer that the pod before it gave is none.
	Online bool
	// Applied says that the StatefulSet has the template that the spec asks for.
	Applied bool
	Pod     Pod
	// Stuck says in one clause why the pod will not come up by itself; empty while
	// it may.
	Stuck string
}

// back reports whether a validator that was given its template runs under it.
func (v Validator) back() bool { return v.Pod == PodCurrent && v.Online }

// Network is a network as a rollout sees it.
type Network struct {
	Validators []Validator // all that have a StatefulSet, in the manifest's order
	// Lost is the stake that the chain counts and no StatefulSet is for, in tokens:
	// that of a key which is gone.
	Lost            uint64
	AllowQuorumLoss bool
}

// Step is what a rollout does now.
type Step struct {
	// Apply names the validators whose StatefulSets get their template now. At most
	// one of them is online.
	Apply []string
	// Pauses names the one of them that costs the quorum, as the manifest allows;
	// empty: none does.
	Pauses string
	// Delete names the validators whose pods are to be deleted: they are stuck under
	// a template that their StatefulSets have no more, and in the way of the new.
	Delete []string
	// Progress says how far the rollout is; empty: every validator has its template
	// and runs under it, or none ever had another.
	Progress string
	// Stopped says why it goes no further, and what to do; empty: it goes on.
	Stopped string
}

// Next returns the next step of a rollout. Whoever has no pod, or one that is
// stuck, gets its template at once: there is nothing to lose. All others get
// theirs one at a time, when the one before is back: first those that are down
// anyway, then the lightest first, and only while those that stay online are a
// quorum. It is the same step each time until something has changed.
func Next(n Network) Step {
	var s Step
	var waiting, left []Validator
	for _, v := range n.Validators {
		switch {
		case v.Applied && v.Pod == PodOld && v.Stuck != "":
			s.Delete = append(s.Delete, v.Name)
		case !v.Applied && (v.Pod == PodNone || v.Stuck != ""):
			s.Apply = append(s.Apply, v.Name)
		}
		switch {
		case !v.Applied:
			left = append(left, v)
		case !v.back():
			waiting = append(waiting, v)
		}
	}
	if len(left) == 0 {
		s.Progress = restarting(waiting)
		return s // who is not back has nobody to hold up
	}
	s.Progress = progress(n, waiting, left)
	switch {
	case len(waiting) > 0:
		s.Stopped = stuck(waiting)
	case len(s.Apply) == 0:
		n.take(turn(left), &s)
	}
	return s
}

func progress(n Network, waiting, left []Validator) string {
	text := fmt.Sprintf("%d of %d validators have their new template", len(n.Validators)-len(left), len(n.Validators))
	if len(waiting) > 0 {
		text += "; the next one's turn comes when " + isOrAre(names(waiting)) + " back"
	}
	return text
}

// restarting says whose pods still run under the template before; empty: nobody's.
func restarting(waiting []Validator) string {
	old := slices.DeleteFunc(waiting, func(v Validator) bool { return v.Pod != PodOld })
	if len(old) == 0 {
		return ""
	}
	return "all validators have their new template; " + isOrAre(names(old)) + " restarting"
}

// stuck says who of those that were given their template will not come back by
// itself.
func stuck(waiting []Validator) string {
	var said []string
	for _, v := range waiting {
		if v.Stuck != "" {
			said = append(said, fmt.Sprintf("%s does not come back under its new template: %s", v.Name, v.Stuck))
		}
	}
	if len(said) == 0 {
		return ""
	}
	return strings.Join(said, "; ") + ". No other validator is touched; mend the spec, or take the edit back"
}

// turn is whose turn it is of those that are left: it is the same as long as
// they are, whatever their order.
func turn(left []Validator) Validator {
	return slices.MinFunc(left, func(a, b Validator) int {
		if a.Online != b.Online {
			if b.Online {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), strings.Compare(a.Name, b.Name))
	})
}

// take lets v have its template if what that takes down may be taken down.
func (n Network) take(v Validator, s *Step) {
	if !v.Online || v.High == 0 {
		s.Apply = []string{v.Name}
		return
	}
	left := n.without(v)
	switch {
	case left.isQuorum():
		s.Apply = []string{v.Name}
	case !n.isHeavy(v):
		s.Stopped = fmt.Sprintf("to restart %s would leave %d of a total stake of %d online; more than two thirds are needed. It waits until more are online", v.Name, left.online, left.total)
	case n.AllowQuorumLoss:
		s.Apply, s.Pauses = []string{v.Name}, v.Name
	default:
		s.Stopped = fmt.Sprintf("%s holds a third of the stake or more: to restart it would pause the chain, which spec.disruption.allowQuorumLoss forbids. Set it to true to let the rollout go on", v.Name)
	}
}

// without is what stays online when v is taken down.
func (n Network) without(v Validator) tally {
	t := tally{total: n.Lost}
	for _, other := range n.Validators {
		if other.Online && other.Name != v.Name {
			t.up(other.Share)
		} else {
			t.down(other.Share)
		}
	}
	return t
}

// isHeavy reports whether v costs the quorum though all others are online.
func (n Network) isHeavy(v Validator) bool {
	t := tally{n.Lost, n.Lost}
	for _, other := range n.Validators {
		if other.Name != v.Name {
			t.up(other.Share)
		}
	}
	t.down(v.Share)
	return !t.isQuorum()
}

func names(list []Validator) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Name
	}
	return out
}
