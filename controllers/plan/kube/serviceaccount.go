package kube

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
)

// serviceAccount is one without rights and without a token: a node asks nothing
// of the cluster.
func serviceAccount(n *v1alpha1.PosNetwork) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   meta(n, ServiceAccountName(n.Name), NetworkLabels(n.Name)),
		AutomountServiceAccountToken: ptr(false),
	}
}

func ptr[T any](v T) *T { return &v }
