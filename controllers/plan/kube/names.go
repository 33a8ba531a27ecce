package kube

import "github.com/posnet/posnet/api/v1alpha1"

// The names of a network's objects. A network's name has at most 24 characters,
// and a validator's at most 27 once replicas are spread out, so that a
// StatefulSet's keeps within the 52 that leave room for the hash in its pods'
// labels. In one network no two objects of a kind have the same name: a
// validator's end in its name, in "-keys" or in "-config", and no other object
// of these kinds ends so.

// StatefulSetName is also that of a heavy validator's PodDisruptionBudget.
func StatefulSetName(network, validator string) string { return network + "-" + validator }

// PodName is the name of a validator's one pod.
func PodName(network, validator string) string { return StatefulSetName(network, validator) + "-0" }

// ClaimName is the name of a validator's volume claim.
func ClaimName(network, validator string) string {
	return dataVolume + "-" + PodName(network, validator)
}

// KeysName is the name of the Secret with a validator's keys.
func KeysName(network, validator string) string { return StatefulSetName(network, validator) + "-keys" }

// ConfigName is the name of the ConfigMap with a node's config.
func ConfigName(network, validator string) string {
	return StatefulSetName(network, validator) + "-config"
}

// AuthorityName is the name of the Secret with the key that signs stakes.
func AuthorityName(network string) string { return network + "-authority" }

// GenesisName is the name of the ConfigMap with the genesis.
func GenesisName(network string) string { return network + "-genesis" }

// NodesName is the name of the headless Service, which gives pods their names.
func NodesName(network string) string { return network + "-nodes" }

// APIName is the name of the Service for clients.
func APIName(network string) string { return network + "-api" }

// ServiceAccountName is the name of the nodes' ServiceAccount.
func ServiceAccountName(network string) string { return network + "-node" }

// podHost is the DNS name of a validator's pod. Without the cluster's domain,
// which every pod's resolver appends: it differs between clusters.
func podHost(network *v1alpha1.PosNetwork, validator string) string {
	return PodName(network.Name, validator) + "." + NodesName(network.Name) + "." + network.Namespace + ".svc"
}
