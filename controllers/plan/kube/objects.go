package kube

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// Object is any Kubernetes object; a client.Object of controller-runtime.
type Object interface {
	metav1.Object
	runtime.Object
}

// Input is all that a network's objects grow from.
type Input struct {
	Network  *v1alpha1.PosNetwork // with its defaults filled in; name, namespace and UID are used
	Topology *plan.Topology       // of its spec as it is now, with the sites of Sites
	// Genesis is what the network started from. After a change of stakes it differs
	// from the one in Topology, which is what a network made now would start from.
	Genesis   *genesis.Genesis
	Keys      map[string]config.Keys // by the names of the topology's nodes; absent: lost
	Authority types.PrivateKey       // signs changes of stake; zero: lost
	Image     string                 // of the nodes, where the spec names none
	Budget    rollout.Budget         // what evictions may take down
}

// Objects are all that a network wants in its namespace. Each has its kind and
// version set, as server-side apply needs. To be applied in the order of the
// fields, and in the order of the lists.
type Objects struct {
	// Kept are the authority's Secret and the genesis ConfigMap: made once, and
	// never written anew.
	Kept []Object
	// Shared are the network's ServiceAccount, Services, NetworkPolicy and
	// PodDisruptionBudgets.
	Shared     []Object
	Validators []Validator // in the manifest's order, those departing last
}

// Validator is what one validator wants.
type Validator struct {
	Name      string
	Departing bool           // the spec has it no more, the chain may still count it
	Keys      *corev1.Secret // made once, and never written anew; nil: its keys are lost
	Config    *corev1.ConfigMap
	// StatefulSet is of one pod, or of none while the network hibernates. Its
	// template is that of the spec: to be applied when it is this one's turn.
	StatefulSet *appsv1.StatefulSet
}

// New makes the objects. It is an error if there is no image for the nodes.
func New(in Input) (*Objects, error) {
	if in.Image == "" && in.Network.Spec.Image == "" {
		return nil, fmt.Errorf("kube: there is no image for the nodes: give the operator one (POSNET_IMAGE), or set spec.image")
	}
	o := &Objects{
		Kept:   []Object{GenesisConfigMap(in.Network, in.Genesis)},
		Shared: []Object{serviceAccount(in.Network), nodesService(in.Network), apiService(in.Network), networkPolicy(in.Network)},
	}
	if !in.Authority.Public().IsZero() {
		o.Kept = append([]Object{AuthoritySecret(in.Network, in.Authority, in.Genesis)}, o.Kept...)
	}
	for _, budget := range disruptionBudgets(in) {
		o.Shared = append(o.Shared, budget)
	}
	for _, n := range in.Topology.Nodes {
		v := Validator{
			Name:        n.Name,
			Departing:   n.Stake == 0,
			Config:      nodeConfigMap(in.Network, n),
			StatefulSet: statefulSet(in, n),
		}
		if keys, ok := in.Keys[n.Name]; ok {
			v.Keys = KeysSecret(in.Network, n.Name, keys)
		}
		o.Validators = append(o.Validators, v)
	}
	return o, nil
}

// All lists every object in the order of applying.
func (o *Objects) All() []Object {
	out := slices.Concat(o.Kept, o.Shared)
	for _, v := range o.Validators {
		if v.Keys != nil {
			out = append(out, v.Keys)
		}
		out = append(out, v.Config, v.StatefulSet)
	}
	return out
}
