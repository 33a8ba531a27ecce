//go:build e2e

package e2e

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	posnet "github.com/posnet/posnet/node/types"
)

// podStory: a pod is deleted while the chain goes on. It comes back with its key
// and its chain, catches up, and votes.
func podStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	was := n.pod(t, "dave")
	key := n.publicKey(t, "dave")
	n.deletePod(t, "dave")
	reached := n.goesOn(t, "alice", 2)
	n.awaitNewPod(t, "dave", was.UID)

	if now := n.publicKey(t, "dave"); now != key {
		t.Errorf("dave came back with the key %s, had %s", now.Short(), key.Short())
	}
	n.await(t, "dave has caught up", func(now *v1alpha1.PosNetwork) bool {
		for _, v := range now.Status.Validators {
			if v.Name == "dave" {
				return v.Online && v.Height >= int64(reached)
			}
		}
		return false
	})
	n.awaitVote(t, key, reached)
	n.sameBlocks(t)
}

func (n *network) deletePod(t *testing.T, validator string) {
	t.Helper()
	key := n.podKey(validator)
	must(t, n.kube.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}))
}

// awaitNewPod waits for the pod that takes the place of another one.
func (n *network) awaitNewPod(t *testing.T, validator string, old types.UID) *corev1.Pod {
	t.Helper()
	return n.awaitPod(t, validator, "there is a new pod, ready", func(pod *corev1.Pod) bool { return ready(pod) && pod.UID != old })
}

// runs tells whether a pod is ready, of an image.
func runs(image string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return ready(pod) && pod.Spec.Containers[0].Image == image }
}

// publicKey is the key that a validator's node signs with.
func (n *network) publicKey(t *testing.T, validator string) posnet.PublicKey {
	t.Helper()
	c := n.dial(t, validator)
	defer c.Close()
	status, err := c.Status(within(t, patience))
	must(t, err)
	return status.Key
}

// awaitVote waits for a block above a height that bears a validator's signature: a
// certificate holds a quorum's, so that not every block bears everybody's.
func (n *network) awaitVote(t *testing.T, key posnet.PublicKey, above uint64) {
	t.Helper()
	c := n.dial(t, "alice")
	const blocks = 30
	for range blocks {
		height := n.goesOn(t, "alice", 1)
		b, err := c.Block(within(t, patience), int64(height), client.BlockArgs{Certified: true})
		must(t, err)
		for _, s := range b.Certificate.Signatures {
			if s.Validator == key && height > above {
				return
			}
		}
	}
	t.Errorf("%s has signed none of %d blocks", key.Short(), blocks)
}
