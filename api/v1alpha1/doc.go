// Package v1alpha1 holds the kinds of the posnet.dev API group and their
// conditions. There is no logic here: defaults and validation live in the
// schema that is generated from these types (config/crd), so that a cluster and
// a laptop go by the very same rules.
//
// A value read back from the API server, or from local/manifest, has its
// defaults filled in. One built in Go has not: a zero there means zero.
//
// +kubebuilder:object:generate=true
// +groupName=posnet.dev
package v1alpha1
