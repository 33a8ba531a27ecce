package controllers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
)

const (
	// statusInterval is how often a network's status is written at most, whatever
	// happens: two hundred networks with a block each second are forty writes a
	// second.
	statusInterval = 5 * time.Second
	// firstAnswers is how long an operator that has just begun waits for the nodes to
	// answer before it says that they do not.
	firstAnswers = 5 * time.Second
	// lookInterval is how soon a network is looked at again in which something is
	// amiss, or under way, of which no watch tells.
	lookInterval = 5 * time.Second
)

// tell writes the network's status where it has changed, tells of what people
// want to know by Events, and says when to look again. An error of the API
// server on the way is returned, to be tried again.
func (r *Reconciler) tell(ctx context.Context, s *seen, p *planned, m *memory) (ctrl.Result, error) {
	result, err := r.writeStatus(ctx, s, p, m)
	if err = errors.Join(s.err, err); err != nil {
		return ctrl.Result{}, err
	}
	return result, nil
}

func (r *Reconciler) writeStatus(ctx context.Context, s *seen, p *planned, m *memory) (ctrl.Result, error) {
	now := r.now()
	was := s.network.Status
	status := health.Status(s.observation(p, now), was)
	var result ctrl.Result
	if s.needsLook(p) {
		result.RequeueAfter = lookInterval
	}
	if same(was, status) {
		return result, nil
	}
	if wait := m.began.Add(firstAnswers).Sub(now); wait > 0 && m.wrote.IsZero() && s.isUnasked(p) {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	if wait := m.wrote.Add(statusInterval).Sub(now); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	changed := s.network.DeepCopy()
	changed.Status = status
	statusWrites.WithLabelValues(s.network.Namespace, s.network.Name).Inc()
	if err := r.client.Status().Patch(ctx, changed, client.MergeFrom(s.network), client.FieldOwner(kube.ManagedBy)); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	m.wrote = now
	measure(changed)
	r.announce(s.network, changed)
	return result, nil
}

// same compares statuses as the API server keeps them: times to the second.
func same(a, b v1alpha1.PosNetworkStatus) bool {
	was, err := json.Marshal(a)
	is, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(was, is)
}

// isUnasked reports whether there are nodes of which nothing is known, not even
// that they do not answer.
func (s *seen) isUnasked(p *planned) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.topology.Nodes, func(n plan.Node) bool {
		pod := s.cluster.Pods[n.Name]
		if pod == nil || pod.Status.PodIP == "" {
			return false
		}
		one, known := s.answer(n, pod)
		return !known || one.Status == nil && one.Problem == ""
	})
}

// needsLook reports whether something is under way that no watch and no node
// tells of.
func (s *seen) needsLook(p *planned) bool {
	working := slices.ContainsFunc(s.nodes.Nodes, func(n nodes.Node) bool { return !n.Working.IsZero() })
	return working || len(s.troubles) > 0 || len(s.stopped) > 0 || len(s.changing) > 0 || p != nil && p.step.Progress != ""
}

// observation is what health judges.
func (s *seen) observation(p *planned, now time.Time) health.Observation {
	n := s.network
	o := health.Observation{
		Time: now, Generation: n.Generation, Hibernated: n.Spec.Hibernate, Paused: n.Spec.Paused, Patience: health.Patience(n.Spec.Consensus),
		Stopped: s.stopped, Troubles: s.problems(), Nodes: s.observed(p), Changing: s.underWay(p), Endpoints: kube.Endpoints(n),
		Validators: s.nodes.Validators, Fairness: s.nodes.Fairness, Evidence: s.nodes.Evidence,
	}
	if len(s.rules) > 0 {
		o.Invalid = &health.Problem{Reason: health.ReasonBadRule, Message: s.rules.ToAggregate().Error()}
	}
	if p != nil && !n.Spec.Paused {
		o.Stopped = append(o.Stopped, p.stopped(s)...)
	}
	return o
}

// problems are what keeps validators from running, or will.
func (s *seen) problems() []health.Problem {
	var out []health.Problem
	if s.identity != nil {
		out = append(out, s.identity.Problems...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.troubles)) {
		out = append(out, s.troubles[name])
	}
	for _, n := range s.nodes.Nodes {
		if n.Strange {
			out = append(out, health.Problem{Reason: health.ReasonStranger, Message: n.Problem})
		}
	}
	return out
}

// stopped is what keeps the network from becoming what its spec says.
func (p *planned) stopped(s *seen) []health.Problem {
	var out []health.Problem
	add := func(reason, message string) {
		if message != "" {
			out = append(out, health.Problem{Reason: reason, Message: message})
		}
	}
	add(health.ReasonRolloutStopped, p.step.Stopped)
	add(health.ReasonStakesHeld, p.changes.Held)
	for _, d := range s.nodes.Settling.Dropped {
		add(reasonStakesDropped, d.Error())
	}
	if len(p.changes.Send) > 0 {
		add(reasonStakesUnsettled, s.nodes.Unsettled)
	}
	add(reasonGenesisDiffers, differences(s))
	return out
}

const (
	// reasonStakesDropped: the chain left a change of stake out.
	reasonStakesDropped = "StakesDropped"
	// reasonStakesUnsettled: no node takes the changes of stake.
	reasonStakesUnsettled = "StakesUnsettled"
	// reasonGenesisDiffers: the spec asks for another genesis than the one that an
	// earlier network of the name left.
	reasonGenesisDiffers = "GenesisDiffers"
)

// differences says what the spec asks for that the network's genesis does not
// have; empty: nothing.
func differences(s *seen) string {
	list, err := plan.Differences(s.identity.Genesis, s.network.Name, &s.network.Spec)
	if err != nil {
		return err.Error()
	}
	if len(list) == 0 {
		return ""
	}
	said := make([]string, len(list))
	for i, d := range list {
		said[i] = d.String()
	}
	return fmt.Sprintf("the network goes on from an earlier one of its name, whose genesis is in ConfigMap %s: %s; put that back, or, to start a new chain, "+
		"delete this network, the ConfigMap and the volume claims", kube.GenesisName(s.network.Name), strings.Join(said, "; "))
}

// underWay says what is being brought to what the spec says; empty: nothing.
func (s *seen) underWay(p *planned) string {
	said := slices.Clone(s.changing)
	if p == nil || s.network.Spec.Paused {
		return strings.Join(said, "; ")
	}
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if away := s.away(p); len(away) > 0 && s.isNew() {
		add("the nodes start: %s not ready yet", isOrAre(away))
	}
	if s.network.Spec.Hibernate && len(s.cluster.Pods) > 0 {
		add("the nodes stop: %d still run", len(s.cluster.Pods))
	}
	if p.step.Progress != "" && p.step.Stopped == "" {
		said = append(said, p.step.Progress)
	}
	for _, c := range p.changes.Send {
		said = append(said, c.String())
	}
	if p.changes.Waiting != "" {
		said = append(said, p.changes.Waiting)
	}
	for _, n := range p.topology.Nodes {
		if n.Stake == 0 && len(p.changes.Send) == 0 {
			add("%s leaves with the coming blocks", n.Name)
		}
	}
	if w := s.identity.Waiting; len(w) > 0 {
		add("%s waiting for the chain to tell which validators it counts, before keys are made", isOrAre(w))
	}
	return strings.Join(said, "; ")
}

// isNew reports whether the network has had no quorum yet, or is being woken.
func (s *seen) isNew() bool {
	switch s.network.Status.Phase {
	case "", v1alpha1.PhasePending, v1alpha1.PhaseHibernated:
		return !s.network.Spec.Hibernate
	}
	return false
}

// away are the planned validators that are not online.
func (s *seen) away(p *planned) []string {
	var out []string
	for _, n := range p.topology.Nodes {
		if !s.isOnline(n, s.cluster.Pods[n.Name]) {
			out = append(out, n.Name)
		}
	}
	return out
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}
