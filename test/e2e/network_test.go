//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	nodeclient "github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// network is one PosNetwork of the cluster.
type network struct {
	*world
	key client.ObjectKey
}

func (w *world) network(name string) *network {
	return &network{w, client.ObjectKey{Namespace: namespace, Name: name}}
}

// four are validators any one of which may fail: none has a third of the stake.
const four = `
  validators:
    - {name: alice, stake: 30}
    - {name: bob, stake: 27}
    - {name: carol, stake: 23}
    - {name: dave, stake: 20}
  builder: {when: "pool.size >= 1 || idle >= duration('2s')", interval: 250ms}
`

// create makes a network of the spec's lines, and removes it, with all that is
// its, when the story ends.
func (w *world) create(t *testing.T, name, spec string) *network {
	t.Helper()
	n := w.network(name)
	n.apply(t, "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: "+name+"}\nspec:"+spec)
	t.Cleanup(func() {
		if !t.Failed() || os.Getenv("E2E_KEEP") != "1" {
			n.delete(t)
		}
	})
	return n
}

// apply applies a manifest, as "kubectl apply --server-side" does.
func (n *network) apply(t *testing.T, manifest string) {
	t.Helper()
	must(t, n.tryApply(t, manifest))
}

func (n *network) tryApply(t *testing.T, manifest string) error {
	t.Helper()
	var object unstructured.Unstructured
	must(t, yaml.Unmarshal([]byte(manifest), &object.Object))
	object.SetNamespace(n.key.Namespace)
	return n.kube.Apply(within(t, patience), client.ApplyConfigurationFromUnstructured(&object), client.FieldOwner("e2e"), client.ForceOwnership)
}

// edit changes the spec, as "kubectl edit" does.
func (n *network) edit(t *testing.T, change func(*v1alpha1.PosNetworkSpec)) {
	t.Helper()
	must(t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now := n.get(t)
		change(&now.Spec)
		return n.kube.Update(t.Context(), now)
	}))
}

func (n *network) get(t *testing.T) *v1alpha1.PosNetwork {
	t.Helper()
	var now v1alpha1.PosNetwork
	must(t, n.kube.Get(within(t, patience), n.key, &now))
	return &now
}

// await waits until the network's status is as wanted.
func (n *network) await(t *testing.T, what string, found func(*v1alpha1.PosNetwork) bool) *v1alpha1.PosNetwork {
	t.Helper()
	return await(t, n.world, &v1alpha1.PosNetworkList{}, n.key, what, func(now *v1alpha1.PosNetwork) bool {
		return now != nil && now.Status.ObservedGeneration == now.Generation && found(now)
	})
}

// awaitCondition waits until a condition has a status.
func (n *network) awaitCondition(t *testing.T, condition string, status metav1.ConditionStatus) *v1alpha1.PosNetwork {
	t.Helper()
	return n.await(t, fmt.Sprintf("%s is %s", condition, status), func(now *v1alpha1.PosNetwork) bool {
		return meta.IsStatusConditionPresentAndEqual(now.Status.Conditions, condition, status)
	})
}

// stayed checks that a condition has not changed since a status, not even for a
// moment.
func (n *network) stayed(t *testing.T, condition string, since *v1alpha1.PosNetwork) {
	t.Helper()
	was, is := meta.FindStatusCondition(since.Status.Conditions, condition), meta.FindStatusCondition(n.get(t).Status.Conditions, condition)
	if was == nil || is == nil || was.Status != is.Status || !was.LastTransitionTime.Equal(&is.LastTransitionTime) {
		t.Errorf("condition %s is %+v, was %+v, and was to stay", condition, is, was)
	}
}

// awaitRunning waits until every validator is online and agrees.
func (n *network) awaitRunning(t *testing.T) *v1alpha1.PosNetwork {
	t.Helper()
	return n.await(t, "it is running, with nothing to be done", func(now *v1alpha1.PosNetwork) bool {
		return now.Status.Phase == v1alpha1.PhaseRunning && now.Status.Height > 0 &&
			meta.IsStatusConditionFalse(now.Status.Conditions, v1alpha1.ConditionProgressing)
	})
}

// awaitHeight waits until the status tells of a height.
func (n *network) awaitHeight(t *testing.T, height int64) *v1alpha1.PosNetwork {
	t.Helper()
	return n.await(t, "height "+strconv.FormatInt(height, 10), func(now *v1alpha1.PosNetwork) bool { return now.Status.Height >= height })
}

// delete deletes the network, with the volumes and keys that would stay.
func (n *network) delete(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	gone := &v1alpha1.PosNetwork{ObjectMeta: metav1.ObjectMeta{Namespace: n.key.Namespace, Name: n.key.Name}}
	must(t, client.IgnoreNotFound(n.kube.Delete(ctx, gone, client.PropagationPolicy(metav1.DeletePropagationForeground))))
	ours := []client.DeleteAllOfOption{client.InNamespace(n.key.Namespace), client.MatchingLabels{kube.LabelNetwork: n.key.Name}}
	for _, kind := range []client.Object{&corev1.PersistentVolumeClaim{}, &corev1.Secret{}, &corev1.ConfigMap{}} {
		must(t, n.kube.DeleteAllOf(ctx, kind, ours...))
	}
}

// validators are the names of the validators that the spec has now.
func (n *network) validators(t *testing.T) []string {
	t.Helper()
	return plan.Names(&n.get(t).Spec)
}

// pod is a validator's pod as it is now.
func (n *network) pod(t *testing.T, validator string) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	must(t, n.kube.Get(within(t, patience), n.podKey(validator), &pod))
	return &pod
}

func (n *network) podKey(validator string) client.ObjectKey {
	return client.ObjectKey{Namespace: n.key.Namespace, Name: kube.PodName(n.key.Name, validator)}
}

// awaitPod waits until a validator's pod is as wanted; nil is none.
func (n *network) awaitPod(t *testing.T, validator, what string, found func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	return await(t, n.world, &corev1.PodList{}, n.podKey(validator), what, found)
}

func ready(pod *corev1.Pod) bool {
	return pod != nil && pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// lives tells each pod of the network apart from the one before it, and from
// itself before its container was started anew.
func (n *network) lives(t *testing.T) map[string]string {
	t.Helper()
	var pods corev1.PodList
	must(t, n.kube.List(within(t, patience), &pods, client.InNamespace(n.key.Namespace), client.MatchingLabels{kube.LabelNetwork: n.key.Name}))
	lives := map[string]string{}
	for _, pod := range pods.Items {
		restarts := int32(0)
		for _, c := range pod.Status.ContainerStatuses {
			restarts += c.RestartCount
		}
		lives[pod.Name] = fmt.Sprintf("%s, restarted %d times", pod.UID, restarts)
	}
	return lives
}

// url is the client API of a validator's node.
func (n *network) url(validator string) string {
	return "ws://" + n.proxy + podPath(n.key.Namespace, kube.PodName(n.key.Name, validator), strconv.Itoa(kube.PortAPI)) + "/ws"
}

// dial connects to a validator's node.
func (n *network) dial(t *testing.T, validator string) *nodeclient.Client {
	t.Helper()
	c, err := nodeclient.Dial(within(t, patience), n.url(validator), nodeclient.Options{})
	if err != nil {
		t.Fatalf("%s of %s: %v", validator, n.key.Name, err)
	}
	t.Cleanup(c.Close)
	return c
}

// indented puts the lines of a manifest's spec where create wants them.
func indented(lines ...string) string { return "\n  " + strings.Join(lines, "\n  ") + "\n" }

// containsAll tells whether a text has all these parts.
func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
