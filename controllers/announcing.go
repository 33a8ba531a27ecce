package controllers

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// Reasons of Events that are no condition's.
const (
	eventCreated        = "Created"
	eventReplaced       = "ValidatorReplaced"
	eventQuorumLost     = "QuorumLost"
	eventQuorumRegained = "QuorumRegained"
	eventStakeChanged   = "StakeChanged"
	eventEvidence       = "Evidence"
	eventChainPauses    = "ChainPauses"
	eventHibernated     = "Hibernated"
	eventWoken          = "Woken"
)

// action is what an Event of the operator comes from, as its kind wants it.
const action = "Reconcile"

// maxNote is the most bytes that an Event's text may have.
const maxNote = 1024

func (r *Reconciler) event(n *v1alpha1.PosNetwork, kind, reason, format string, args ...any) {
	r.eventAbout(n, nil, kind, reason, format, args...)
}

// validatorEvent is an Event about one validator, which it names as the related
// object: Events of one reason that differ in nothing but their text are folded
// into the first of them, and what the others say is lost.
func (r *Reconciler) validatorEvent(n *v1alpha1.PosNetwork, validator, kind, reason, format string, args ...any) {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: n.Namespace, Name: kube.StatefulSetName(n.Name, validator)}}
	r.eventAbout(n, set, kind, reason, format, args...)
}

func (r *Reconciler) eventAbout(n *v1alpha1.PosNetwork, related runtime.Object, kind, reason, format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote-len("…")], "") + "…"
	}
	r.events.Eventf(n, related, kind, reason, action, "%s", note)
}

// announceBirth tells of what was made just now and is never made again.
func (r *Reconciler) announceBirth(s *seen) {
	if s.identity == nil {
		return
	}
	if s.identity.Born {
		g := s.identity.Genesis
		r.event(s.network, corev1.EventTypeNormal, eventCreated, "the network begins, with %d validators and genesis %s", len(g.Validators), g.Network())
	}
	for _, name := range s.identity.Replaced {
		r.validatorEvent(s.network, name, corev1.EventTypeNormal, eventReplaced, "validator %s has new keys, and signs with %s from now on", name, s.identity.Public[name].Sign)
	}
}

// announcePause tells of a restart that pauses the chain, once for each spec that
// asks for it.
func (r *Reconciler) announcePause(s *seen, m *memory, name string) {
	restart := fmt.Sprintf("%s/%d", name, s.network.Generation)
	if m.pause == restart {
		return
	}
	m.pause = restart
	r.validatorEvent(s.network, name, corev1.EventTypeNormal, eventChainPauses, "%s is restarted, without which there is no quorum: the chain pauses, and nothing is lost", name)
}

// announce tells of each change between the status before and the one that was
// written, once.
func (r *Reconciler) announce(before, now *v1alpha1.PosNetwork) {
	r.announceChain(before, now)
	r.announceValidators(before, now)
	was, is := before.Status, now.Status
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionProgressing, v1alpha1.ConditionDegraded} {
		c := meta.FindStatusCondition(is.Conditions, kind)
		old := meta.FindStatusCondition(was.Conditions, kind)
		isNews := c != nil && isBad(c) && (old == nil || !isBad(old) || old.Reason != c.Reason)
		if isNews && (kind != v1alpha1.ConditionDegraded || !isMeant(is)) {
			r.event(now, corev1.EventTypeWarning, c.Reason, "%s", c.Message)
		}
	}
}

// told are the reasons for which a condition says nothing that an Event of its
// own kind does not, or nothing that is amiss.
var told = map[string]bool{
	"AsSpecified": true, "Paused": true, "Hibernated": true, "QuorumLost": true, "Diverged": true, "CatchingUp": true, "ValidatorsBehind": true,
}

// isBad reports whether a condition says that something is amiss.
func isBad(c *metav1.Condition) bool {
	if told[c.Reason] {
		return false
	}
	return (c.Status == metav1.ConditionTrue) == (c.Type == v1alpha1.ConditionDegraded) && c.Status != metav1.ConditionUnknown
}

// isMeant reports whether validators are offline because the network is being
// changed, or begins.
func isMeant(s v1alpha1.PosNetworkStatus) bool {
	c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionDegraded)
	return c.Reason == "ValidatorsOffline" && (s.Phase == v1alpha1.PhasePending || isTrue(s, v1alpha1.ConditionProgressing))
}

func isTrue(s v1alpha1.PosNetworkStatus, condition string) bool {
	return meta.IsStatusConditionTrue(s.Conditions, condition)
}

// announceChain tells of what befell the chain as a whole.
func (r *Reconciler) announceChain(before, now *v1alpha1.PosNetwork) {
	was, is := before.Status, now.Status
	message := func(condition string) string { return meta.FindStatusCondition(is.Conditions, condition).Message }
	ran := was.Phase != "" && was.Phase != v1alpha1.PhasePending
	lost, wasLost := isTrue(is, v1alpha1.ConditionQuorumLost), isTrue(was, v1alpha1.ConditionQuorumLost)
	switch {
	case ran && lost && !wasLost:
		r.event(now, corev1.EventTypeWarning, eventQuorumLost, "%s", message(v1alpha1.ConditionQuorumLost))
	case ran && wasLost && !lost && is.Phase != v1alpha1.PhaseHibernated:
		r.event(now, corev1.EventTypeNormal, eventQuorumRegained, "%s", message(v1alpha1.ConditionQuorumLost))
	}
	if isTrue(is, v1alpha1.ConditionDiverged) && !isTrue(was, v1alpha1.ConditionDiverged) {
		r.event(now, corev1.EventTypeWarning, v1alpha1.ConditionDiverged, "%s", message(v1alpha1.ConditionDiverged))
	}
	switch slept := was.Phase == v1alpha1.PhaseHibernated; {
	case is.Phase == v1alpha1.PhaseHibernated && !slept:
		r.event(now, corev1.EventTypeNormal, eventHibernated, "the nodes are stopped; volumes and keys are kept")
	case slept && is.Phase != v1alpha1.PhaseHibernated:
		r.event(now, corev1.EventTypeNormal, eventWoken, "the nodes are started")
	}
}

// announceValidators tells of stakes that changed on the chain, and of votes that
// contradict each other.
func (r *Reconciler) announceValidators(before, now *v1alpha1.PosNetwork) {
	was := map[string]v1alpha1.ValidatorStatus{}
	for _, v := range before.Status.Validators {
		was[v.Name] = v
	}
	knew := before.Status.TotalStake > 0 && before.Status.Phase != v1alpha1.PhasePending
	for _, v := range now.Status.Validators {
		old, known := was[v.Name]
		delete(was, v.Name)
		if knew && old.EffectiveStake != v.EffectiveStake {
			r.announceStake(now, v.Name, old.EffectiveStake, v.EffectiveStake)
		}
		if known && v.Evidence > old.Evidence {
			r.validatorEvent(now, v.Name, corev1.EventTypeWarning, eventEvidence, "validator %s signed votes that contradict each other, %d times by now", v.Name, v.Evidence)
		}
	}
	for _, v := range before.Status.Validators {
		if old, gone := was[v.Name]; gone && knew && old.EffectiveStake > 0 {
			r.announceStake(now, v.Name, old.EffectiveStake, 0)
		}
	}
}

func (r *Reconciler) announceStake(n *v1alpha1.PosNetwork, name string, was, is int64) {
	switch {
	case was == 0:
		r.validatorEvent(n, name, corev1.EventTypeNormal, eventStakeChanged, "validator %s has joined with a stake of %d", name, is)
	case is == 0:
		r.validatorEvent(n, name, corev1.EventTypeNormal, eventStakeChanged, "validator %s has left with its stake of %d", name, was)
	default:
		r.validatorEvent(n, name, corev1.EventTypeNormal, eventStakeChanged, "the stake of %s went from %d to %d", name, was, is)
	}
}
