package controllers

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// apply brings the cluster to what is planned, as far as its time has come. One
// object that cannot be written keeps back only what cannot do without it.
func (r *Reconciler) apply(ctx context.Context, s *seen, p *planned, m *memory) {
	if p == nil || p.objects == nil {
		return
	}
	whole := true
	for _, o := range p.objects.Kept {
		whole = r.keep(ctx, s, o) && whole
	}
	for _, o := range p.objects.Shared {
		r.put(ctx, s, o)
	}
	if !whole {
		return // a node would start from somebody else's genesis
	}
	for i := range p.objects.Validators {
		r.applyValidator(ctx, s, p, i)
	}
	if name := p.step.Pauses; name != "" {
		r.announcePause(s, m, name)
	}
	for _, name := range p.step.Delete {
		if pod := s.cluster.Pods[name]; pod != nil {
			s.note(r.applier.Remove(ctx, s.network, pod))
		}
	}
	r.prune(ctx, s, p)
}

// keep and put report whether the object is as it should be.
func (r *Reconciler) keep(ctx context.Context, s *seen, o client.Object) bool {
	_, err := r.applier.Keep(ctx, s.network, o, s.cluster.Find(o))
	return s.note(err)
}

func (r *Reconciler) put(ctx context.Context, s *seen, o client.Object) bool {
	return s.note(r.applier.Apply(ctx, s.network, o, s.cluster.Find(o)))
}

// note reports whether there is no error, and notes it if there is.
func (s *seen) note(err error) bool {
	if err != nil {
		s.failed(err)
	}
	return err == nil
}

// applyValidator brings one validator's objects to what they should be; its pod's
// template only when it is its turn.
func (r *Reconciler) applyValidator(ctx context.Context, s *seen, p *planned, i int) {
	v := p.objects.Validators[i]
	if v.Keys != nil && !r.keep(ctx, s, v.Keys) || !r.put(ctx, s, v.Config) {
		return // a pod would start from somebody else's
	}
	if live, ok := s.cluster.Find(v.StatefulSet).(*appsv1.StatefulSet); ok && p.held[v.Name] {
		s.note(r.applier.ApplyHeld(ctx, s.network, v.StatefulSet, live))
	} else {
		r.put(ctx, s, v.StatefulSet)
	}
	if pod := s.cluster.Pods[v.Name]; pod != nil && pod.DeletionTimestamp.IsZero() {
		s.note(r.applier.Annotate(ctx, pod, kube.AnnotationPeers, kube.PeersHash(p.topology.Nodes[i].Config)))
	}
}

// prune deletes what the plan names no more: first what runs, last what it runs
// from.
func (r *Reconciler) prune(ctx context.Context, s *seen, p *planned) {
	var wanted []client.Object
	for _, o := range p.objects.All() {
		wanted = append(wanted, o)
	}
	for _, o := range s.cluster.Beside(wanted) {
		if s.isOver(o) {
			s.note(r.applier.Remove(ctx, s.network, o))
		}
	}
}

// isOver reports whether an object that is not planned has had its time. A
// validator's objects stay until it has left the chain, and its keys, where
// volumes are kept, as long as those.
func (s *seen) isOver(o client.Object) bool {
	validator := o.GetLabels()[kube.LabelValidator]
	left := validator != "" && !slices.Contains(plan.Names(&s.network.Spec), validator) && s.hasLeft(validator)
	switch o.(type) {
	case *corev1.Secret:
		return left && s.network.Spec.Storage.WhenDeleted == v1alpha1.DeleteVolumes
	case *appsv1.StatefulSet, *corev1.ConfigMap:
		return left && metav1.IsControlledBy(o, s.network)
	}
	return metav1.IsControlledBy(o, s.network)
}
