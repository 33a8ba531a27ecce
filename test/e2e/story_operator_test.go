//go:build e2e

package e2e

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
)

// operatorStory: the operator goes away and comes back. The chain does not notice,
// and what happened meanwhile is in the status.
func operatorStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before, status := n.lives(t), n.get(t)
	was := w.operatorPod(t)
	w.scaleOperator(t, 0)
	await(t, w, &corev1.PodList{}, client.ObjectKeyFromObject(was), "it is gone", gone)
	height := n.goesOn(t, "alice", 3)
	if told := n.get(t).Status.Height; told >= int64(height) {
		t.Errorf("height %d is told with nobody to tell it", told)
	}
	w.scaleOperator(t, 1)
	n.awaitHeight(t, int64(height))
	n.awaitRunning(t)
	n.stayed(t, v1alpha1.ConditionReady, status)
	n.sameLives(t, before)
}

func gone(pod *corev1.Pod) bool { return pod == nil }

func (w *world) operatorPod(t *testing.T) *corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	must(t, w.kube.List(t.Context(), &pods, client.InNamespace(operatorNamespace), client.MatchingLabels{"app.kubernetes.io/name": operatorName}))
	for _, pod := range pods.Items {
		if ready(&pod) {
			return &pod
		}
	}
	t.Fatal("no operator is ready")
	return nil
}

func (w *world) scaleOperator(t *testing.T, replicas int) {
	t.Helper()
	deployments := w.typed.AppsV1().Deployments(operatorNamespace)
	scale, err := deployments.GetScale(t.Context(), operatorName, metav1.GetOptions{})
	must(t, err)
	scale.Spec.Replicas = int32(replicas)
	_, err = deployments.UpdateScale(t.Context(), operatorName, scale, metav1.UpdateOptions{})
	must(t, err)
}
