// Package rules compiles the builder rules of a network, so that one that does
// not compile is told before any node meets it: by the webhook, and by the
// operator where there is none.
package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/builder"
)

// Check returns an error for every field whose rule does not compile, in the
// manifest's order, with the compiler's message and column.
func Check(spec *v1alpha1.PosNetworkSpec) field.ErrorList {
	root := field.NewPath("spec")
	errs := check(root.Child("builder", "when"), spec.Builder.When)
	for i, v := range spec.Validators {
		if v.Builder != nil && v.Builder.When != "" {
			errs = append(errs, check(root.Child("validators").Index(i).Child("builder", "when"), v.Builder.When)...)
		}
	}
	return errs
}

func check(path *field.Path, rule string) field.ErrorList {
	if _, err := builder.Compile(rule); err != nil {
		// The compiler's message shows the rule already.
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, err.Error())}
	}
	return nil
}
