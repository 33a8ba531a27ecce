//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/hack/cluster"
)

var crdKey = client.ObjectKey{Name: "posnetworks.posnet.dev"}

// installStory: the chart's previous release is installed in a namespace that takes
// restricted pods only; the operator becomes ready, with a webhook that the API
// server trusts, and the notes tell what to do next.
func installStory(t *testing.T, w *world) {
	_, err := w.cluster.Helm(t.Context(), append([]string{
		"install", cluster.Release, w.previousChart(t), "--namespace", operatorNamespace, "--wait", "--timeout", "3m",
	}, w.previous.Values()...)...)
	must(t, err)
	w.awaitOperator(t, w.previous)
	await(t, w, &admissionv1.ValidatingWebhookConfigurationList{}, client.ObjectKey{Name: "posnet-webhook"}, "the webhook's authority is known",
		func(c *admissionv1.ValidatingWebhookConfiguration) bool {
			return c != nil && len(c.Webhooks) == 1 && len(c.Webhooks[0].ClientConfig.CABundle) > 0
		})
	notes, err := w.cluster.Helm(t.Context(), "get", "notes", cluster.Release, "--namespace", operatorNamespace)
	must(t, err)
	if !strings.Contains(notes, "kubectl apply") {
		t.Errorf("the notes do not tell the next command:\n%s", notes)
	}
}

// previousChart is a chart of the release before this one: with another version,
// and a kind that has not all its short names yet.
func (w *world) previousChart(t *testing.T) string {
	t.Helper()
	chart := filepath.Join(t.TempDir(), "posnet")
	must(t, os.CopyFS(chart, os.DirFS(w.host.Path("charts", "posnet"))))
	for file, edit := range map[string][2]string{
		"Chart.yaml":                     {"version: 0.1.0\n", "version: 0.0.9\n"},
		"templates/crd/posnetworks.yaml": {"    - pn\n", ""},
	} {
		path := filepath.Join(chart, file)
		text, err := os.ReadFile(path)
		must(t, err)
		if !strings.Contains(string(text), edit[0]) {
			t.Fatalf("%s has no %q: the chart has changed, and this story must, too", file, edit[0])
		}
		must(t, os.WriteFile(path, []byte(strings.Replace(string(text), edit[0], edit[1], 1)), 0o644))
	}
	return chart
}

// awaitOperator waits until the operator of an image, and no other, is at work.
func (w *world) awaitOperator(t *testing.T, image cluster.Image) {
	t.Helper()
	await(t, w, &appsv1.DeploymentList{}, client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}, "the operator of "+image.String()+" is ready",
		func(d *appsv1.Deployment) bool {
			return d != nil && d.Spec.Template.Spec.Containers[0].Image == image.String() && d.Status.ObservedGeneration == d.Generation &&
				d.Status.Replicas == *d.Spec.Replicas && d.Status.AvailableReplicas == *d.Spec.Replicas && d.Status.UpdatedReplicas == *d.Spec.Replicas
		})
}

// shortNames are those of the kind, as the cluster has it now.
func (w *world) shortNames(t *testing.T) []string {
	t.Helper()
	var crd apiextensionsv1.CustomResourceDefinition
	must(t, w.kube.Get(t.Context(), crdKey, &crd))
	return slices.Sorted(slices.Values(crd.Spec.Names.ShortNames))
}
