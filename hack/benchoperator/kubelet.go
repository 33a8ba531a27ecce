package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types/jsonfile"
	"github.com/posnet/posnet/test/standin"
)

// addressOf is the loopback address of one validator of one network: an address
// each, so that all can listen on the port that nodes have in a cluster.
func addressOf(network, validator int) string {
	at := network*validators + validator
	return fmt.Sprintf("127.%d.%d.%d", 1+at>>14, at>>7&127, 1+at&127)
}

// place does for one network what StatefulSet controller and kubelet do: once the
// operator has made all of it, its pods run. It reports whether it has, and what
// the stand-ins are to tell.
func (b *bench) place(ctx context.Context, number int) (chain, bool, error) {
	name := networkName(number)
	var sets appsv1.StatefulSetList
	if err := b.client.List(ctx, &sets, client.InNamespace(b.namespace), client.MatchingLabels{kube.LabelNetwork: name}); err != nil {
		return chain{}, false, err
	}
	if len(sets.Items) < validators {
		return chain{}, false, nil
	}
	var c chain
	var of corev1.ConfigMap
	if err := b.client.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: kube.GenesisName(name)}, &of); err != nil {
		return c, false, err
	}
	g, err := genesis.Parse([]byte(of.Data[kube.GenesisFile]))
	if err != nil {
		return c, false, err
	}
	c.ID = g.Network()
	for i := range sets.Items {
		set := &sets.Items[i]
		one, err := b.placePod(ctx, set, addressOf(number, i))
		if err != nil {
			return c, false, err
		}
		c.Nodes = append(c.Nodes, one)
	}
	return c, true, nil
}

// revision stands in for the hash of a template: there is one of each.
const revision = "first"

func (b *bench) placePod(ctx context.Context, set *appsv1.StatefulSet, address string) (standin.Node, error) {
	validator := set.Labels[kube.LabelValidator]
	one := standin.Node{Name: validator, Address: address + ":9000"}
	var secret corev1.Secret
	if err := b.client.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: kube.KeysName(set.Labels[kube.LabelNetwork], validator)}, &secret); err != nil {
		return one, err
	}
	var keys config.Keys
	if err := jsonfile.Decode(secret.Data[kube.KeysFile], &keys); err != nil {
		return one, err
	}
	one.Key = keys.Sign.Public()

	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.namespace, Name: set.Name + "-0", Annotations: set.Spec.Template.Annotations,
			Labels:          map[string]string{appsv1.ControllerRevisionHashLabelKey: revision},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
		},
		Spec: *set.Spec.Template.Spec.DeepCopy(),
	}
	for k, v := range set.Spec.Template.Labels {
		p.Labels[k] = v
	}
	for _, claim := range set.Spec.VolumeClaimTemplates {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: claim.Name}) // empty: nothing is written to it
	}
	if err := b.client.Create(ctx, p); err != nil {
		return one, err
	}
	p.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: address, PodIPs: []corev1.PodIP{{IP: address}},
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue},
		},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: p.Spec.Containers[0].Name, Image: image, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}},
	}
	if err := b.client.Status().Update(ctx, p); err != nil {
		return one, err
	}
	set.Status = appsv1.StatefulSetStatus{
		ObservedGeneration: set.Generation, UpdateRevision: revision, CurrentRevision: revision,
		Replicas: 1, UpdatedReplicas: 1, CurrentReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
	}
	return one, b.client.Status().Update(ctx, set)
}
