//go:build e2e

package e2e

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/hack/cluster"
)

// uninstallStory: the chart goes, kind and networks stay. The other way to install,
// config/default, takes them up.
func uninstallStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.lives(t)
	operator := w.operatorPod(t).Spec.Containers[0].Image
	_, err := w.cluster.Helm(t.Context(), "uninstall", cluster.Release, "--namespace", operatorNamespace, "--wait")
	must(t, err)
	var crd apiextensionsv1.CustomResourceDefinition
	must(t, w.kube.Get(t.Context(), crdKey, &crd))
	height := n.goesOn(t, "alice", 1)

	w.applyDefault(t, operator)
	n.awaitHeight(t, int64(height))
	n.awaitRunning(t)
	n.sameLives(t, before)
}

// applyDefault applies config/default, with an image in place of the release's.
func (w *world) applyDefault(t *testing.T, image string) {
	t.Helper()
	text, err := w.host.Kustomize(t.Context(), "config", "default")
	must(t, err)
	const release = "posnet/posnet:0.1.0"
	if strings.Count(text, release) != 2 {
		t.Fatalf("config/default is to name the image %s for operator and networks:\n%s", release, text)
	}
	for _, one := range strings.Split(strings.ReplaceAll(text, release, image), "\n---\n") {
		var object unstructured.Unstructured
		must(t, yaml.Unmarshal([]byte(one), &object.Object))
		must(t, w.kube.Apply(within(t, patience), client.ApplyConfigurationFromUnstructured(&object), client.FieldOwner("kubectl"), client.ForceOwnership))
	}
}
