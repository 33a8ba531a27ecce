//go:build e2e

package e2e

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/controllers/plan/kube"
)

// evictionStory: one of four may be evicted; a second one, which would take the
// online stake to 2/3 or below, may not while the first is away. Where a validator
// has a third or more, and the network may not pause, it may never.
func evictionStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	was := n.pod(t, "dave")
	n.awaitEvictable(t)
	must(t, n.evict(t, "dave"))
	n.checkRefused(t, "carol", n.evict(t, "carol"))
	n.awaitNewPod(t, "dave", was.UID)
	n.awaitRunning(t)

	heavy := w.create(t, "heavy", indented("validators: [{name: atlas, stake: 1}]", "disruption: {allowQuorumLoss: false}"))
	heavy.awaitRunning(t)
	heavy.checkRefused(t, "atlas", heavy.evict(t, "atlas"))
}

// awaitEvictable waits until the cluster has counted who is ready.
func (n *network) awaitEvictable(t *testing.T) {
	t.Helper()
	await(t, n.world, &policyv1.PodDisruptionBudgetList{}, client.ObjectKey{Namespace: n.key.Namespace, Name: n.key.Name}, "one pod may be evicted",
		func(b *policyv1.PodDisruptionBudget) bool {
			return b != nil && b.Status.ObservedGeneration == b.Generation && b.Status.DisruptionsAllowed == 1
		})
}

// evict asks for what "kubectl drain" asks for.
func (n *network) evict(t *testing.T, validator string) error {
	t.Helper()
	return n.typed.PolicyV1().Evictions(n.key.Namespace).Evict(within(t, patience), &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: n.key.Namespace, Name: kube.PodName(n.key.Name, validator)},
	})
}

func (n *network) checkRefused(t *testing.T, validator string, err error) {
	t.Helper()
	if !apierrors.IsTooManyRequests(err) {
		t.Errorf("the eviction of %s is answered by %v, want a refusal by its budget", validator, err)
	}
	if pod := n.pod(t, validator); pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		t.Errorf("%s is on its way out", pod.Name)
	}
}
