//go:build e2e

package e2e

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
)

// rolloutStory: under load, all nodes get other resources, one at a time, the
// heaviest last. The online stake stays above 2/3, and no record is lost.
func rolloutStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.get(t)
	flow, sampler := n.startFlow(t, n.validators(t)...), n.sample(t)
	asked := resource.MustParse("17Mi")
	n.edit(t, func(s *v1alpha1.PosNetworkSpec) {
		s.Template.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: asked}
	})
	byStake := []string{"dave", "carol", "bob", "alice"} // the lightest first
	var started []metav1.Time
	for _, validator := range byStake {
		pod := n.awaitPod(t, validator, "it is ready and asks for 17Mi", func(pod *corev1.Pod) bool {
			return ready(pod) && pod.Spec.Containers[0].Resources.Requests.Memory().Equal(asked)
		})
		started = append(started, pod.CreationTimestamp)
	}
	if !slices.IsSortedFunc(started, func(x, y metav1.Time) int { return x.Compare(y.Time) }) {
		t.Errorf("%v were started at %v: the heaviest is to be last", byStake, started)
	}
	n.awaitRunning(t)
	sampler.keptQuorum(t)
	flow.end(t)
	n.stayed(t, v1alpha1.ConditionReady, before)
	t.Logf("the longest pause between two blocks was %s", longestPause(n.sameBlocks(t), uint64(before.Status.Height)))
}

// stuckStory: an image that cannot be had stops the rollout at the first pod, with a
// condition that says why, and the chain goes on. Undoing the edit takes it back.
func stuckStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.lives(t)
	n.edit(t, func(s *v1alpha1.PosNetworkSpec) {
		s.Image, s.Template.ImagePullPolicy = "posnet.invalid/posnet:none", corev1.PullNever
	})
	n.awaitPod(t, "dave", "it cannot have its image", func(pod *corev1.Pod) bool {
		return pod != nil && slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
			return c.State.Waiting != nil && c.State.Waiting.Reason == "ErrImageNeverPull"
		})
	})
	n.await(t, "it tells that dave's image cannot be had", func(now *v1alpha1.PosNetwork) bool {
		c := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionProgressing)
		return c != nil && now.Status.Phase == v1alpha1.PhaseDegraded && containsAll(c.Message, n.podKey("dave").Name, "posnet.invalid/posnet:none")
	})
	n.goesOn(t, "alice", 3)
	others := n.lives(t)
	delete(before, n.podKey("dave").Name)
	delete(others, n.podKey("dave").Name)
	n.edit(t, func(s *v1alpha1.PosNetworkSpec) { s.Image, s.Template.ImagePullPolicy = "", "" })
	n.awaitPod(t, "dave", "it is ready, of the operator's image", runs(w.operatorPod(t).Spec.Containers[0].Image))
	n.awaitRunning(t)
	after := n.lives(t)
	delete(after, n.podKey("dave").Name)
	for name, life := range before {
		if others[name] != life || after[name] != life {
			t.Errorf("%s was %s, then %s, then %s: it was no part of the edit that failed", name, life, others[name], after[name])
		}
	}
}
