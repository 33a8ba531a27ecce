// Package plan turns a network's spec, its validators' public keys and the
// addresses they live at into a topology: the genesis all nodes share and one
// config per node. It is pure: the same input gives the same topology, so that
// a laptop and a cluster start their nodes from the same two files. What
// differs between them, addresses and folders, is data.
package plan
