package kube

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/posnet/posnet/api/v1alpha1"
)

// disruptionBudgets are one for each heavy validator, then one that the light
// ones share. No pod is in two of them: Kubernetes then evicts it never. The
// heavy ones' come first, so that one which becomes heavy is at no time without.
func disruptionBudgets(in Input) []*policyv1.PodDisruptionBudget {
	n := in.Network
	var out []*policyv1.PodDisruptionBudget
	heavyAllowed := 0
	if n.Spec.Disruption.AllowQuorumLoss {
		heavyAllowed = 1
	}
	for _, name := range in.Budget.Heavy {
		b := disruptionBudget(meta(n, StatefulSetName(n.Name, name), ValidatorLabels(n.Name, name)), heavyAllowed)
		b.Spec.Selector = &metav1.LabelSelector{MatchLabels: under(podSelector(n.Name), map[string]string{LabelValidator: name})}
		out = append(out, b)
	}
	if in.Budget.Light > 0 {
		b := disruptionBudget(meta(n, n.Name, NetworkLabels(n.Name)), in.Budget.MaxUnavailable)
		b.Spec.Selector = lightSelector(n, in.Budget.Heavy)
		out = append(out, b)
	}
	return out
}

func lightSelector(n *v1alpha1.PosNetwork, heavy []string) *metav1.LabelSelector {
	s := &metav1.LabelSelector{MatchLabels: podSelector(n.Name)}
	if len(heavy) > 0 {
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: LabelValidator, Operator: metav1.LabelSelectorOpNotIn, Values: heavy}}
	}
	return s
}

// disruptionBudget lets go of pods that are not ready: they give no vote that
// counts, and would only be in the way of whoever empties a machine.
func disruptionBudget(m metav1.ObjectMeta, maxUnavailable int) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: m,
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             ptr(intstr.FromInt(maxUnavailable)),
			UnhealthyPodEvictionPolicy: ptr(policyv1.AlwaysAllow),
		},
	}
}
