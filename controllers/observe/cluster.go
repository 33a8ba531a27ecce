// Package observe gathers what is known of a network: what there is of it in the
// cluster, what makes it the network it is (its genesis and keys, which are made
// here where there are none yet), and what keeps its pods from running.
package observe

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// IndexNetwork is the cache's index of objects by the network whose they are: a
// look-up then takes the same time however many networks there are.
const IndexNetwork = kube.LabelNetwork

// Kinds are those of the objects that a network is made of, and of its pods and
// their claims.
func Kinds() []client.Object {
	return []client.Object{
		&corev1.Secret{}, &corev1.ConfigMap{}, &corev1.Service{}, &corev1.ServiceAccount{}, &corev1.Pod{}, &corev1.PersistentVolumeClaim{},
		&appsv1.StatefulSet{}, &policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{},
	}
}

// ByNetwork is the function of IndexNetwork.
func ByNetwork(object client.Object) []string {
	if name := object.GetLabels()[kube.LabelNetwork]; name != "" {
		return []string{name}
	}
	return nil
}

// Cluster is what there is of one network. Its objects are the cache's own: they
// are read, and never changed.
type Cluster struct {
	made map[ref]client.Object

	// By validator; absent where there is none.
	StatefulSets map[string]*appsv1.StatefulSet
	Pods         map[string]*corev1.Pod
	Claims       map[string]*corev1.PersistentVolumeClaim
}

// ref is an object's type and name.
type ref struct{ kind, name string }

func refTo(o client.Object) ref { return ref{fmt.Sprintf("%T", o), o.GetName()} }

// Read reads the objects of a network from a cache that has IndexNetwork.
func Read(ctx context.Context, cache client.Reader, n *v1alpha1.PosNetwork) (*Cluster, error) {
	c := &Cluster{
		made:         map[ref]client.Object{},
		StatefulSets: map[string]*appsv1.StatefulSet{},
		Pods:         map[string]*corev1.Pod{},
		Claims:       map[string]*corev1.PersistentVolumeClaim{},
	}
	for _, list := range lists() {
		err := cache.List(ctx, list, client.InNamespace(n.Namespace), client.MatchingFields{IndexNetwork: n.Name}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return nil, fmt.Errorf("the objects of network %s: %w", n.Name, err)
		}
		if err := meta.EachListItem(list, func(o runtime.Object) error { c.add(o.(client.Object)); return nil }); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func lists() []client.ObjectList {
	return []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.PodList{},
		&corev1.PersistentVolumeClaimList{}, &appsv1.StatefulSetList{}, &policyv1.PodDisruptionBudgetList{}, &networkingv1.NetworkPolicyList{},
	}
}

func (c *Cluster) add(object client.Object) {
	validator := object.GetLabels()[kube.LabelValidator]
	switch o := object.(type) {
	case *corev1.Pod:
		if o.Name == kube.PodName(o.Labels[kube.LabelNetwork], validator) {
			c.Pods[validator] = o
		}
		return
	case *corev1.PersistentVolumeClaim:
		if o.Name == kube.ClaimName(o.Labels[kube.LabelNetwork], validator) {
			c.Claims[validator] = o
		}
		return
	case *appsv1.StatefulSet:
		c.StatefulSets[validator] = o
	}
	c.made[refTo(object)] = object
}

// Find returns what there is of an object, by its kind and name; nil where there
// is nothing.
func (c *Cluster) Find(like client.Object) client.Object { return c.made[refTo(like)] }

// Beside returns the objects that were made and are none of the wanted, pods and
// claims aside.
func (c *Cluster) Beside(wanted []client.Object) []client.Object {
	named := map[ref]bool{}
	for _, o := range wanted {
		named[refTo(o)] = true
	}
	var out []client.Object
	for r, o := range c.made {
		if !named[r] {
			out = append(out, o)
		}
	}
	return out
}
