//go:build e2e

package e2e

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// deleteStory: a network is deleted. Its volumes, keys and genesis stay, and a
// network of the same name goes on from them; where storage.whenDeleted is Delete,
// nothing stays.
func deleteStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.sameBlocks(t)
	key := n.publicKey(t, "alice")
	n.remove(t)
	for _, validator := range []string{"alice", "bob", "carol", "dave"} {
		await(t, w, &appsv1.StatefulSetList{}, n.named(kube.StatefulSetName(n.key.Name, validator)), "it is gone", func(s *appsv1.StatefulSet) bool { return s == nil })
		n.awaitPod(t, validator, "it is gone", gone)
		n.exists(t, &corev1.PersistentVolumeClaim{}, kube.ClaimName(n.key.Name, validator))
		n.exists(t, &corev1.Secret{}, kube.KeysName(n.key.Name, validator))
	}
	await(t, w, &corev1.ServiceList{}, n.named(kube.APIName(n.key.Name)), "it is gone", func(s *corev1.Service) bool { return s == nil })

	n.applySample(t)
	n.awaitHeight(t, int64(len(before))+1)
	n.awaitRunning(t)
	n.continues(t, before)
	if now := n.publicKey(t, "alice"); now != key {
		t.Errorf("alice has the key %s now, had %s", now.Short(), key.Short())
	}

	fleeting := w.create(t, "fleeting", indented("validators: [{name: mayfly, stake: 1}]", "storage: {whenDeleted: Delete}"))
	fleeting.awaitRunning(t)
	fleeting.remove(t)
	await(t, w, &corev1.PersistentVolumeClaimList{}, fleeting.named(kube.ClaimName("fleeting", "mayfly")), "it is gone", func(c *corev1.PersistentVolumeClaim) bool { return c == nil })
	await(t, w, &corev1.SecretList{}, fleeting.named(kube.KeysName("fleeting", "mayfly")), "it is gone", func(s *corev1.Secret) bool { return s == nil })
	await(t, w, &corev1.ConfigMapList{}, fleeting.named(kube.GenesisName("fleeting")), "it is gone", func(c *corev1.ConfigMap) bool { return c == nil })
}

func (n *network) named(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: n.key.Namespace, Name: name}
}

// remove deletes the network as "kubectl delete" does, and waits until it is gone.
func (n *network) remove(t *testing.T) {
	t.Helper()
	must(t, n.kube.Delete(t.Context(), &v1alpha1.PosNetwork{ObjectMeta: metav1.ObjectMeta{Namespace: n.key.Namespace, Name: n.key.Name}}))
	await(t, n.world, &v1alpha1.PosNetworkList{}, n.key, "it is gone", func(now *v1alpha1.PosNetwork) bool { return now == nil })
}
