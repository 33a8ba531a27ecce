package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
)

// revisions of a StatefulSet that are kept: the one before, for whoever wonders
// what changed.
const revisions = 1

// statefulSet is one validator's pod and volume. One per validator, rather than
// one of many pods, since each has a key of its own, and it is stake, not a
// pod's number, that says whose turn it is.
func statefulSet(in Input, node plan.Node) *appsv1.StatefulSet {
	n := in.Network
	replicas := int32(1)
	if n.Spec.Hibernate {
		replicas = 0
	}
	m := meta(n, StatefulSetName(n.Name, node.Name), ValidatorLabels(n.Name, node.Name))
	m.Annotations = map[string]string{AnnotationKey: node.Keys.Sign.String(), AnnotationVRFKey: node.Keys.VRF.String()}
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: m,
		Spec: appsv1.StatefulSetSpec{
			Replicas:             &replicas,
			ServiceName:          NodesName(n.Name),
			Selector:             &metav1.LabelSelector{MatchLabels: under(podSelector(n.Name), map[string]string{LabelValidator: node.Name})},
			Template:             podTemplate(in, node),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{claim(n, node.Name)},
			PodManagementPolicy:  appsv1.ParallelPodManagement,
			UpdateStrategy:       appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
			RevisionHistoryLimit: ptr(int32(revisions)),
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: retention(n.Spec.Storage.WhenDeleted),
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType, // a network that hibernates keeps its data
			},
		},
	}
}

func retention(p v1alpha1.DeletionPolicy) appsv1.PersistentVolumeClaimRetentionPolicyType {
	if p == v1alpha1.DeleteVolumes {
		return appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	}
	return appsv1.RetainPersistentVolumeClaimRetentionPolicyType
}

// claim is a template that Kubernetes never lets change: nothing in it may hang
// on what does.
func claim(n *v1alpha1.PosNetwork, validator string) corev1.PersistentVolumeClaim {
	return corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: dataVolume, Labels: ValidatorLabels(n.Name, validator)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: n.Spec.Storage.StorageClassName,
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: n.Spec.Storage.Size},
			},
		},
	}
}
