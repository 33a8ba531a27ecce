package controllers_test

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
)

// manifest is what a person applies.
func manifest(t *testing.T, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: " + name + ", namespace: " + namespace + "}\nspec:\n" + spec
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// four validators, none of which is needed, and blocks as fast as a test wants
// them.
const four = `
  validators: [{name: alice, stake: 30}, {name: bob, stake: 27}, {name: carol, stake: 23}, {name: dave, stake: 20}]
  builder: {when: "idle >= duration('300ms')", interval: 100ms}
  consensus: {minBlockInterval: 0s, proposeTimeout: 1s}
`

func TestANetworkComesToLife(t *testing.T) {
	r := start(t)
	r.apply("alpha", four)
	n := r.awaitSettled("alpha")
	n = r.await("alpha", "blocks are won", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height >= 5 && len(n.Status.Winners) >= 5 })
	t.Log(show(n))
	for _, e := range r.events("alpha") {
		t.Log(e)
	}
	_ = context.Background()
}
