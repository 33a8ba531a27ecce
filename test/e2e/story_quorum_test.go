//go:build e2e

package e2e

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
)

// quorumStory: two validators go, whose pods find no machine to come back to. The
// status says that the chain stands still, and why; when they are back, it goes on.
func quorumStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	w.cordon(t, true)
	t.Cleanup(func() { w.cordon(t, false) })
	was := n.pod(t, "carol")
	n.deletePod(t, "carol")
	n.deletePod(t, "dave")
	n.awaitCondition(t, v1alpha1.ConditionQuorumLost, metav1.ConditionTrue)
	now := n.await(t, "it tells of both that are away", func(now *v1alpha1.PosNetwork) bool { return now.Status.OnlineStake == 57 })
	if now.Status.Phase != v1alpha1.PhaseHalted || now.Status.FaultMargin != 0 || now.Status.ValidatorsOnline != "2/4" ||
		!meta.IsStatusConditionFalse(now.Status.Conditions, v1alpha1.ConditionReady) {
		t.Errorf("without a quorum the status is %+v", now.Status)
	}
	for _, v := range now.Status.Validators {
		if away := v.Name == "carol" || v.Name == "dave"; v.Online == away {
			t.Errorf("%s is told as %+v", v.Name, v)
		}
	}
	height := now.Status.Height
	for _, validator := range []string{"alice", "bob"} {
		c := n.dial(t, validator)
		status, err := c.Status(within(t, patience))
		must(t, err)
		if int64(status.Height) > height+1 {
			t.Errorf("%s has height %d, without a quorum since %d", validator, status.Height, height)
		}
	}
	w.cordon(t, false)
	n.awaitNewPod(t, "carol", was.UID)
	n.awaitCondition(t, v1alpha1.ConditionQuorumLost, metav1.ConditionFalse)
	n.awaitHeight(t, height+2)
	n.awaitRunning(t)
	for _, reason := range []string{"QuorumLost", "QuorumRegained"} {
		n.awaitEvent(t, reason)
	}
}

// cordon keeps new pods off the cluster's only machine, or lets them in again.
func (w *world) cordon(t *testing.T, shut bool) {
	t.Helper()
	var nodes corev1.NodeList
	must(t, w.kube.List(context.WithoutCancel(t.Context()), &nodes))
	for _, node := range nodes.Items {
		before := client.MergeFrom(node.DeepCopy())
		node.Spec.Unschedulable = shut
		must(t, w.kube.Patch(context.WithoutCancel(t.Context()), &node, before))
	}
}
