package crd_test

import (
	"context"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/config/crd"
)

// maxAnnotationBytes is what `kubectl apply` can keep of an object in its
// last-applied annotation; a larger CRD could only be applied server-side.
const maxAnnotationBytes = 256 << 10

// An API server's own check accepts the schema: it is structural, its defaults
// are valid, its rules compile and keep within the cost an API server allows.
func TestAPIServerAcceptsIt(t *testing.T) {
	if size := len(crd.PosNetworks); size > maxAnnotationBytes {
		t.Errorf("the CRD has %d bytes, kubectl apply takes at most %d", size, maxAnnotationBytes)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(crd.PosNetworks), &v1); err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	// The API server itself records the stored versions when it creates a CRD.
	v1.Status.StoredVersions = []string{v1.Spec.Versions[0].Name}

	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &internal, nil); err != nil {
		t.Fatal(err)
	}
	for _, err := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		t.Error(err)
	}
}
