package manifest

import (
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/config/crd"
)

// rules are the parts of the CRD as an API server prepares them.
type rules struct {
	structural *schema.Structural
	values     validation.SchemaValidator // types, ranges, lengths
	cel        *cel.Validator             // x-kubernetes-validations
}

// loadRules prepares the embedded CRD. It is generated and tested, so that an
// error here is a fault of the program, not of a manifest.
var loadRules = sync.OnceValue(func() *rules {
	r, err := prepare(crd.PosNetworks)
	if err != nil {
		panic("manifest: the embedded CRD: " + err.Error())
	}
	return r
})

func prepare(text string) (*rules, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal([]byte(text), &definition); err != nil {
		return nil, err
	}
	if n := len(definition.Spec.Versions); n != 1 {
		return nil, fmt.Errorf("it has %d versions, this program knows of one", n)
	}
	var s apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &s, nil)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(&s)
	if err != nil {
		return nil, err
	}
	values, _, err := validation.NewSchemaValidator(&s)
	if err != nil {
		return nil, err
	}
	return &rules{structural, values, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}
