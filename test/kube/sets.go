package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	nodetypes "github.com/posnet/posnet/node/types"
)

// controlSets does the work of the StatefulSet controller, for sets of one pod.
func (m *Machine) controlSets(ctx context.Context) error {
	var sets appsv1.StatefulSetList
	if err := m.cluster.Client.List(ctx, &sets, client.InNamespace(m.Namespace)); err != nil {
		return err
	}
	for i := range sets.Items {
		if err := m.controlSet(ctx, &sets.Items[i]); err != nil {
			return ignoreRaces(err)
		}
	}
	return nil
}

// revision names a pod template as ControllerRevisions do.
func revision(s *appsv1.StatefulSet) string {
	text, err := json.Marshal(s.Spec.Template)
	if err != nil {
		panic(err) // it came from JSON
	}
	return s.Name + "-" + nodetypes.SumHash(text).String()[:10]
}

func (m *Machine) controlSet(ctx context.Context, s *appsv1.StatefulSet) error {
	var p corev1.Pod
	err := m.cluster.Client.Get(ctx, client.ObjectKey{Namespace: m.Namespace, Name: s.Name + "-0"}, &p)
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return err
	case err != nil && *s.Spec.Replicas == 0:
	case err != nil:
		if err := m.createPod(ctx, s); err != nil {
			return err
		}
	case p.DeletionTimestamp.IsZero() && (*s.Spec.Replicas == 0 || p.Labels[appsv1.ControllerRevisionHashLabelKey] != revision(s)):
		if err := m.cluster.Client.Delete(ctx, &p); err != nil {
			return err
		}
	}
	return m.tellSet(ctx, s, &p)
}

func (m *Machine) createPod(ctx context.Context, s *appsv1.StatefulSet) error {
	name := s.Name + "-0"
	if m.broken().Quota {
		return m.event(ctx, s, "StatefulSet", "FailedCreate",
			fmt.Sprintf("create Pod %s in StatefulSet %s failed error: pods %q is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0", name, s.Name, name))
	}
	spec := *s.Spec.Template.Spec.DeepCopy()
	for _, c := range s.Spec.VolumeClaimTemplates {
		claim, err := m.claim(ctx, s, c.DeepCopy(), name)
		if err != nil {
			return err
		}
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: c.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
	spec.Hostname, spec.Subdomain = name, s.Spec.ServiceName
	labels := map[string]string{appsv1.ControllerRevisionHashLabelKey: revision(s), appsv1.StatefulSetPodNameLabel: name}
	for k, v := range s.Spec.Template.Labels {
		labels[k] = v
	}
	return m.cluster.Client.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: m.Namespace, Name: name, Labels: labels, Annotations: s.Spec.Template.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(s, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
		},
		Spec: spec,
	})
}

// claim makes a volume claim of its template where there is none, owned by the
// set where that says so.
func (m *Machine) claim(ctx context.Context, s *appsv1.StatefulSet, c *corev1.PersistentVolumeClaim, pod string) (string, error) {
	c.TypeMeta, c.Namespace, c.Name = metav1.TypeMeta{}, m.Namespace, c.Name+"-"+pod
	if p := s.Spec.PersistentVolumeClaimRetentionPolicy; p != nil && p.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		c.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(s, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
	}
	err := m.cluster.Client.Create(ctx, c)
	if apierrors.IsAlreadyExists(err) {
		return c.Name, m.adopt(ctx, c)
	}
	if err != nil || m.broken().NoVolumes {
		return c.Name, err
	}
	c.Status.Phase = corev1.ClaimBound
	return c.Name, m.cluster.Client.Status().Update(ctx, c)
}

// adopt gives a claim that is there the owners that it would be made with.
func (m *Machine) adopt(ctx context.Context, want *corev1.PersistentVolumeClaim) error {
	var c corev1.PersistentVolumeClaim
	if err := m.cluster.Client.Get(ctx, client.ObjectKeyFromObject(want), &c); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(c.OwnerReferences, want.OwnerReferences) {
		return nil
	}
	c.OwnerReferences = want.OwnerReferences
	return m.cluster.Client.Update(ctx, &c)
}

// tellSet writes the set's status where it has changed. p is its pod, zero where
// there is none.
func (m *Machine) tellSet(ctx context.Context, s *appsv1.StatefulSet, p *corev1.Pod) error {
	want := appsv1.StatefulSetStatus{ObservedGeneration: s.Generation, UpdateRevision: revision(s), CurrentRevision: revision(s)}
	if p.UID != "" && p.DeletionTimestamp.IsZero() {
		want.Replicas = 1
		if p.Labels[appsv1.ControllerRevisionHashLabelKey] == want.UpdateRevision {
			want.UpdatedReplicas, want.CurrentReplicas = 1, 1
		}
		if isReady(p) {
			want.ReadyReplicas, want.AvailableReplicas = 1, 1
		}
	}
	if s.Status.ObservedGeneration == want.ObservedGeneration && s.Status.UpdateRevision == want.UpdateRevision &&
		s.Status.Replicas == want.Replicas && s.Status.UpdatedReplicas == want.UpdatedReplicas && s.Status.ReadyReplicas == want.ReadyReplicas {
		return nil
	}
	s.Status = want
	return m.cluster.Client.Status().Update(ctx, s)
}

func isReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// collect deletes what belongs to an owner that is gone, as the garbage
// collector does.
func (m *Machine) collect(ctx context.Context) error {
	there := map[types.UID]bool{}
	isThere := func(owner *metav1.OwnerReference) bool {
		if _, known := there[owner.UID]; !known {
			there[owner.UID] = m.isThere(ctx, owner)
		}
		return there[owner.UID]
	}
	for _, list := range []client.ObjectList{
		&appsv1.StatefulSetList{}, &corev1.PodList{}, &corev1.PersistentVolumeClaimList{}, &corev1.SecretList{}, &corev1.ConfigMapList{},
		&corev1.ServiceList{}, &corev1.ServiceAccountList{}, &policyv1.PodDisruptionBudgetList{}, &networkingv1.NetworkPolicyList{},
	} {
		err := m.each(ctx, list, func(o client.Object) error {
			owner := metav1.GetControllerOf(o)
			if owner == nil || !o.GetDeletionTimestamp().IsZero() || isThere(owner) {
				return nil
			}
			if c, ok := o.(*corev1.PersistentVolumeClaim); ok && len(c.Finalizers) > 0 {
				c.Finalizers = nil // of its protection while a pod uses it, which another controller takes off
				if err := m.cluster.Client.Update(ctx, c); err != nil {
					return err
				}
			}
			return m.cluster.Client.Delete(ctx, o)
		})
		if err != nil {
			return ignoreRaces(err)
		}
	}
	return nil
}

// isThere reports whether an owner is there, as far as it can be known.
func (m *Machine) isThere(ctx context.Context, owner *metav1.OwnerReference) bool {
	u := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: owner.APIVersion, Kind: owner.Kind}}
	err := m.cluster.Client.Get(ctx, client.ObjectKey{Namespace: m.Namespace, Name: owner.Name}, u)
	return err == nil && u.UID == owner.UID || err != nil && !apierrors.IsNotFound(err)
}

func (m *Machine) each(ctx context.Context, list client.ObjectList, do func(client.Object) error) error {
	if err := m.cluster.Client.List(ctx, list, client.InNamespace(m.Namespace)); err != nil {
		return err
	}
	return meta.EachListItem(list, func(o runtime.Object) error { return do(o.(client.Object)) })
}

// event tells of something as the controllers of a cluster do. It is told once.
func (m *Machine) event(ctx context.Context, about client.Object, kind, reason, message string) error {
	e := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: m.Namespace, Name: about.GetName() + "." + nodetypes.SumHash([]byte(reason + message)).String()[:16]},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: m.Namespace, Name: about.GetName(), UID: about.GetUID()},
		Type:           corev1.EventTypeWarning, Reason: reason, Message: message,
		FirstTimestamp: metav1.Now(), LastTimestamp: metav1.Now(), Count: 1,
	}
	err := m.cluster.Client.Create(ctx, e)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// ignoreRaces drops errors of objects that changed or went in between: the next
// step sees them as they are.
func ignoreRaces(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
