//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/hack/cluster"
)

// upgradeStory: a network runs, under the previous release. The chart is upgraded:
// with it the kind, the operator, and, one node after another, the network, which
// loses neither its quorum nor a record.
func upgradeStory(t *testing.T, w *world) {
	if slices.Contains(w.shortNames(t), "pn") {
		t.Fatal("the previous release is not installed")
	}
	n := w.quickstart(t)
	before := n.get(t)
	flow, sampler := n.startFlow(t, n.validators(t)...), n.sample(t)

	must(t, w.cluster.Install(t.Context(), operatorNamespace, w.image))
	w.awaitOperator(t, w.image)
	if names := w.shortNames(t); !slices.Equal(names, []string{"pn", "posnet"}) {
		t.Errorf("the kind has the short names %q after the upgrade, want pn and posnet", names)
	}
	n.awaitImage(t, w.image)
	n.awaitRunning(t)
	sampler.keptQuorum(t)
	flow.end(t)
	n.stayed(t, v1alpha1.ConditionReady, before)
	chain := n.sameBlocks(t)
	t.Logf("the longest pause between two blocks was %s", longestPause(chain, uint64(before.Status.Height)))
	for _, validator := range n.validators(t) {
		if _, body := w.get(t, namespace, kube.PodName(n.key.Name, validator), "9000", "/version"); !strings.Contains(body, `"`+version+`"`) {
			t.Errorf("%s says it is %s, want version %s", validator, body, version)
		}
	}
}

// awaitImage waits until all nodes run an image.
func (n *network) awaitImage(t *testing.T, image cluster.Image) {
	t.Helper()
	for _, validator := range n.validators(t) {
		n.awaitPod(t, validator, "it is ready and runs "+image.String(), runs(image.String()))
	}
}
