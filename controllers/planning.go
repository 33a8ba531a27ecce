package controllers

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/apply"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// planned is what a network should be, and what of that is done now.
type planned struct {
	topology *plan.Topology
	objects  *kube.Objects // nil: nothing is to be written
	step     rollout.Step
	held     map[string]bool // whose StatefulSets keep the template that they have
	changes  rollout.Changes
}

// plan plans what was observed. nil: there is no network yet. Without objects: all
// that there is stays as it is.
func (r *Reconciler) plan(s *seen) *planned {
	if s.identity == nil || s.identity.Genesis == nil {
		return nil
	}
	p := &planned{held: map[string]bool{}}
	var err error
	if p.topology, err = topology(s); err != nil {
		s.failed(err)
		return nil
	}
	if len(s.rules) > 0 {
		return p
	}
	objects, err := kube.New(kube.Input{
		Network: s.network, Topology: p.topology, Genesis: s.identity.Genesis, Keys: s.identity.Keys,
		Authority: s.identity.Authority, Image: r.image, Budget: rollout.NewBudget(shares(s, p.topology)),
	})
	if err == nil {
		err = r.takeTurns(s, p, objects)
	}
	if err != nil {
		s.failed(err)
		return p
	}
	p.objects = objects
	if s.nodes.Validators != nil && !s.network.Spec.Hibernate {
		p.changes = rollout.NewChanges(rollout.Stakes{Chain: *s.nodes.Validators, Wanted: p.topology.Genesis.Validators, Online: s.nodes.Online()})
	}
	return p
}

// topology plans the nodes: those of the spec that have keys, and those that have
// not left the chain yet.
func topology(s *seen) (*plan.Topology, error) {
	spec := s.network.Spec.DeepCopy()
	spec.Validators = slices.DeleteFunc(spread(spec), func(v v1alpha1.Validator) bool {
		_, hasKeys := s.identity.Public[v.Name]
		return !hasKeys
	})
	signing := map[string]types.PublicKey{}
	for name, k := range s.identity.Public {
		signing[name] = k.Sign
	}
	g := s.identity.Genesis
	return plan.New(plan.Input{
		Name: s.network.Name, Spec: spec, Keys: s.identity.Public, Sites: kube.Sites(s.network, signing),
		Authority: g.Authority, Time: g.Time, Nonce: g.Nonce,
		Departing: slices.DeleteFunc(slices.Clone(s.identity.Departing), func(name string) bool {
			_, hasKeys := s.identity.Public[name]
			return !hasKeys || s.hasLeft(name)
		}),
	})
}

// hasLeft reports whether the chain has no validator of a name any more, neither
// now nor by its newest block.
func (s *seen) hasLeft(name string) bool {
	v := s.nodes.Validators
	return v != nil && !slices.ContainsFunc(v.Validators, func(v message.Validator) bool { return v.Name == name })
}

// spread are the spec's validators with each replica on its own.
func spread(spec *v1alpha1.PosNetworkSpec) []v1alpha1.Validator {
	var out []v1alpha1.Validator
	for i, v := range spec.Validators {
		one := &v1alpha1.PosNetworkSpec{Validators: spec.Validators[i : i+1]}
		for _, name := range plan.Names(one) {
			v.Name, v.Replicas = name, nil
			out = append(out, v)
		}
	}
	return out
}

// shares are what each validator weighs, by the chain and by the spec.
func shares(s *seen, t *plan.Topology) []rollout.Share {
	out := make([]rollout.Share, 0, len(t.Nodes))
	for _, n := range t.Nodes {
		out = append(out, share(s, n))
	}
	return out
}

func share(s *seen, n plan.Node) rollout.Share {
	if s.nodes.Validators == nil {
		return rollout.NewShare(n.Name, n.Stake)
	}
	for _, v := range s.nodes.Validators.Validators {
		if v.Key == n.Keys.Sign {
			return rollout.NewShare(n.Name, v.EffectiveStake, v.Stake, n.Stake)
		}
	}
	return rollout.NewShare(n.Name, 0, n.Stake)
}

// takeTurns finds out whose StatefulSets get the template of the spec now.
func (r *Reconciler) takeTurns(s *seen, p *planned, o *kube.Objects) error {
	n := rollout.Network{AllowQuorumLoss: s.network.Spec.Disruption.AllowQuorumLoss}
	hasSet := map[types.PublicKey]bool{}
	for i, node := range p.topology.Nodes {
		want, set, pod := o.Validators[i].StatefulSet, s.cluster.StatefulSets[node.Name], s.cluster.Pods[node.Name]
		if err := apply.MarkTemplate(want); err != nil {
			return err
		}
		if set == nil {
			continue // it is made at once
		}
		applied, err := r.applier.HasTemplate(s.network, want, set)
		if err != nil {
			return err
		}
		p.held[node.Name], hasSet[node.Keys.Sign] = !applied, true
		n.Validators = append(n.Validators, rollout.Validator{
			Share: share(s, node), Online: s.isOnline(node, pod), Applied: applied, Pod: podState(set, pod), Stuck: s.troubles[node.Name].Message,
		})
	}
	if s.nodes.Validators != nil {
		for _, v := range s.nodes.Validators.Validators {
			if !hasSet[v.Key] {
				n.Lost += v.EffectiveStake
			}
		}
	}
	p.step = rollout.Next(n)
	for _, name := range p.step.Apply {
		p.held[name] = false
	}
	return nil
}

// podState is how far a StatefulSet's pod is.
func podState(set *appsv1.StatefulSet, pod *corev1.Pod) rollout.Pod {
	switch {
	case pod == nil:
		return rollout.PodNone
	case !pod.DeletionTimestamp.IsZero(), set.Status.ObservedGeneration < set.Generation,
		pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision:
		return rollout.PodOld
	}
	return rollout.PodCurrent
}
