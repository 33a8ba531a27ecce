// Package kube turns a network's topology into the Kubernetes objects that run
// it, a file per kind. It is pure: keys that were generated, stakes that were
// observed and the genesis of the first start are given to it, so that the same
// input gives the same objects to the byte. What is applied when, and what is
// held back, its caller decides.
package kube
