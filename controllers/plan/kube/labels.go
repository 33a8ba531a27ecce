package kube

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
)

// Labels of the objects. LabelNetwork and LabelValidator tell whose an object
// is; the others are Kubernetes' recommended ones.
const (
	LabelNetwork   = "posnet.dev/network"
	LabelValidator = "posnet.dev/validator"
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelComponent = "app.kubernetes.io/component"

	// ManagedBy is the value of LabelManagedBy, and the operator's name as the
	// manager of fields.
	ManagedBy = "posnet-operator"
)

// Annotations of the objects.
const (
	// AnnotationKey is on a key Secret and on a StatefulSet: the validator's public
	// signing key, hex. By it a Secret that is another's is found out.
	AnnotationKey = "posnet.dev/key"
	// AnnotationVRFKey is on a StatefulSet: the public key of the beacon's proofs, hex.
	AnnotationVRFKey = "posnet.dev/vrf-key"
	// AnnotationConfigHash is on a pod template: a change of the config other than
	// of its peers starts the node anew.
	AnnotationConfigHash = "posnet.dev/config-hash"
	// AnnotationPeers is on running pods, never on a template: a change of it makes
	// the kubelet bring the new config into the pod at once. Its value is PeersHash.
	AnnotationPeers = "posnet.dev/peers"
)

// NetworkLabels are on all objects of a network that are no single validator's.
func NetworkLabels(network string) map[string]string {
	return map[string]string{
		LabelName:      "posnet",
		LabelInstance:  network,
		LabelManagedBy: ManagedBy,
		LabelComponent: "network",
		LabelNetwork:   network,
	}
}

// ValidatorLabels are on all objects of one validator.
func ValidatorLabels(network, validator string) map[string]string {
	l := NetworkLabels(network)
	l[LabelComponent] = "validator"
	l[LabelValidator] = validator
	return l
}

// podSelector selects the pods of a network, and nothing else of it.
func podSelector(network string) map[string]string {
	return map[string]string{LabelNetwork: network, LabelComponent: "validator"}
}

// meta is the metadata of an object that lives and goes with its network.
func meta(n *v1alpha1.PosNetwork, name string, labels map[string]string) metav1.ObjectMeta {
	m := keptMeta(n, name, labels)
	m.OwnerReferences = []metav1.OwnerReference{owner(n)}
	return m
}

// keptMeta is the metadata of what stays with the volumes when the network goes:
// without its keys and its genesis, a chain that is on them would be lost.
func keptMeta(n *v1alpha1.PosNetwork, name string, labels map[string]string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: name, Namespace: n.Namespace, Labels: labels}
	if n.Spec.Storage.WhenDeleted == v1alpha1.DeleteVolumes {
		m.OwnerReferences = []metav1.OwnerReference{owner(n)}
	}
	return m
}

func owner(n *v1alpha1.PosNetwork) metav1.OwnerReference {
	return *metav1.NewControllerRef(n, v1alpha1.GroupVersion.WithKind(v1alpha1.Kind))
}

// under returns the user's own entries with the operator's laid over them.
func under(user, ours map[string]string) map[string]string {
	out := make(map[string]string, len(user)+len(ours))
	maps.Copy(out, user)
	maps.Copy(out, ours)
	return out
}
