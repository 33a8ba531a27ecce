// Package crd carries the generated schema of the PosNetwork kind, so that a
// laptop goes by the very file that a cluster installs.
package crd

import _ "embed"

// PosNetworks is the CustomResourceDefinition of PosNetwork, as YAML, generated
// from api/v1alpha1 by "make generate".
//
//go:embed bases/posnet.dev_posnetworks.yaml
var PosNetworks string
