//go:build e2e

package e2e

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/node/rpc/message"
)

// hibernateStory: all pods stop, volumes and keys stay, and the chain goes on later
// from where it was.
func hibernateStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.sameBlocks(t)
	n.edit(t, func(s *v1alpha1.PosNetworkSpec) { s.Hibernate = true })
	now := n.await(t, "it hibernates", func(now *v1alpha1.PosNetwork) bool { return now.Status.Phase == v1alpha1.PhaseHibernated })
	for _, validator := range n.validators(t) {
		n.awaitPod(t, validator, "it is gone", gone)
		n.exists(t, &corev1.PersistentVolumeClaim{}, kube.ClaimName(n.key.Name, validator))
		n.exists(t, &corev1.Secret{}, kube.KeysName(n.key.Name, validator))
	}
	const unseen = 5 // blocks may have been made by the time the nodes were asked last
	if now.Status.Height < int64(len(before))-unseen {
		t.Errorf("asleep it tells of height %d, it had %d", now.Status.Height, len(before))
	}
	n.edit(t, func(s *v1alpha1.PosNetworkSpec) { s.Hibernate = false })
	n.awaitHeight(t, int64(len(before))+1)
	n.awaitRunning(t)
	n.continues(t, before)
}

// continues checks that the chain begins with these blocks, and is longer.
func (n *network) continues(t *testing.T, before []message.Block) {
	t.Helper()
	now := n.sameBlocks(t)
	if len(now) <= len(before) {
		t.Fatalf("the chain has %d blocks, had %d", len(now), len(before))
	}
	for i := range before {
		if now[i].Hash != before[i].Hash {
			t.Fatalf("block %d is %s, was %s", i+1, now[i].Hash.Short(), before[i].Hash.Short())
		}
	}
}

// exists checks that an object of the network's namespace is there.
func (n *network) exists(t *testing.T, into client.Object, name string) {
	t.Helper()
	if err := n.kube.Get(t.Context(), client.ObjectKey{Namespace: n.key.Namespace, Name: name}, into); err != nil {
		t.Errorf("%T: %v", into, err)
	}
}
