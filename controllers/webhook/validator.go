// Package webhook refuses manifests at admission that the schema alone cannot:
// builder rules that do not compile, and names whose objects would be those of
// another network. The operator makes the same checks again when it acts, so
// that it can do without.
package webhook

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/rules"
)

// Should the operator be away, a manifest passes unchecked and the operator
// tells what is wrong with it in the network's status once it is back: applying
// a network, or one that is in order, does not hang on the operator.
//
// +kubebuilder:webhook:path=/validate-posnet-dev-v1alpha1-posnetwork,mutating=false,failurePolicy=ignore,sideEffects=None,timeoutSeconds=5,groups=posnet.dev,resources=posnetworks,verbs=create;update,versions=v1alpha1,name=posnetworks.posnet.dev,admissionReviewVersions=v1

// Validator checks networks at admission.
type Validator struct {
	Networks client.Reader // what networks there are
}

// Register has a manager's webhook server ask the validator about networks.
func Register(m manager.Manager) error {
	return builder.WebhookManagedBy(m, &v1alpha1.PosNetwork{}).WithValidator(&Validator{Networks: m.GetClient()}).Complete()
}

// ValidateCreate implements admission.Validator.
func (v *Validator) ValidateCreate(ctx context.Context, n *v1alpha1.PosNetwork) (admission.Warnings, error) {
	return nil, v.check(ctx, n)
}

// ValidateUpdate implements admission.Validator. A network under deletion is let
// through, whatever its spec: nothing is made of it any more.
func (v *Validator) ValidateUpdate(ctx context.Context, _, n *v1alpha1.PosNetwork) (admission.Warnings, error) {
	if !n.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	return nil, v.check(ctx, n)
}

// ValidateDelete implements admission.Validator: deletion is always allowed.
func (*Validator) ValidateDelete(context.Context, *v1alpha1.PosNetwork) (admission.Warnings, error) {
	return nil, nil
}

// check returns an apierrors.StatusError that names each wrong field.
func (v *Validator) check(ctx context.Context, n *v1alpha1.PosNetwork) error {
	errs := rules.Check(&n.Spec)
	clashes, err := v.clashes(ctx, n)
	if err != nil {
		return err
	}
	if errs = append(errs, clashes...); len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(v1alpha1.GroupVersion.WithKind(v1alpha1.Kind).GroupKind(), n.Name, errs)
}

// clashes finds networks beside n of which an object would have the name of one
// of n's: validator b-c of network a and validator c of network a-b are both
// a-b-c.
func (v *Validator) clashes(ctx context.Context, n *v1alpha1.PosNetwork) (field.ErrorList, error) {
	var all v1alpha1.PosNetworkList
	if err := v.Networks.List(ctx, &all, client.InNamespace(n.Namespace)); err != nil {
		return nil, fmt.Errorf("the networks of namespace %s cannot be listed: %w", n.Namespace, err)
	}
	var errs field.ErrorList
	own := names(n)
	for i := range all.Items {
		other := &all.Items[i]
		if other.Name == n.Name || !strings.HasPrefix(other.Name, n.Name+"-") && !strings.HasPrefix(n.Name, other.Name+"-") {
			continue // their names differ before the validators' begin
		}
		theirs := names(other)
		for _, validator := range append(plan.Names(&n.Spec), "") {
			name := own[validator]
			for whose, taken := range theirs {
				if taken == name {
					errs = append(errs, clash(n, validator, other.Name, whose, name))
				}
			}
		}
	}
	return errs, nil
}

// names are those of the network's objects, by the validator whose they are;
// the network's own under the empty name.
func names(n *v1alpha1.PosNetwork) map[string]string {
	out := map[string]string{"": n.Name}
	for _, v := range plan.Names(&n.Spec) {
		out[v] = n.Name + "-" + v
	}
	return out
}

func clash(n *v1alpha1.PosNetwork, validator, other, theirs, name string) *field.Error {
	whose := "network " + other
	if theirs != "" {
		whose = fmt.Sprintf("validator %s of network %s", theirs, other)
	}
	what, path := "the network's", field.NewPath("metadata", "name")
	if validator != "" {
		what, path = "validator "+validator+"'s", field.NewPath("spec", "validators")
	}
	return field.Invalid(path, field.OmitValueType{}, fmt.Sprintf(
		"%s objects would be called %s, as those of %s in namespace %s are; choose another name, or another namespace", what, name, whose, n.Namespace))
}
