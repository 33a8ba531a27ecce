package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is the kind of a network's manifest.
const Kind = "PosNetwork"

var (
	// GroupVersion is posnet.dev/v1alpha1, the apiVersion of every kind here.
	GroupVersion = schema.GroupVersion{Group: "posnet.dev", Version: "v1alpha1"}

	// SchemeBuilder collects the kinds of this version.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers the kinds of this version with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &PosNetwork{}, &PosNetworkList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
