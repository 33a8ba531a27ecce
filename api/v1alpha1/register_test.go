package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/posnet/posnet/api/v1alpha1"
)

// A scheme that the kinds were added to knows them by their names, as a client
// for a cluster needs it.
func TestAddToScheme(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"PosNetwork", "PosNetworkList"} {
		object, err := scheme.New(v1alpha1.GroupVersion.WithKind(kind))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := object.(metav1.ListInterface); ok == (kind == v1alpha1.Kind) {
			t.Errorf("%s: %T", kind, object)
		}
		kinds, _, err := scheme.ObjectKinds(object)
		if err != nil || len(kinds) != 1 || kinds[0].Kind != kind || kinds[0].GroupVersion().String() != "posnet.dev/v1alpha1" {
			t.Errorf("%s is known as %v, %v", kind, kinds, err)
		}
	}
}
