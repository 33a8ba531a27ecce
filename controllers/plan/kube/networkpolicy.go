package kube

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/posnet/posnet/api/v1alpha1"
)

// The ports at which clusters answer DNS. Policies go by the port of the pod that
// answers, which in some clusters is 5353 behind a Service with 53.
const (
	portDNS    = 53
	portPodDNS = 5353
)

// networkPolicy lets a network's nodes reach each other and ask for names, and
// nothing beside; anybody may come to their client ports.
func networkPolicy(n *v1alpha1.PosNetwork) *networkingv1.NetworkPolicy {
	peers := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: podSelector(n.Name)}}}
	clients := []networkingv1.NetworkPolicyPort{policyPort(corev1.ProtocolTCP, PortAPI), policyPort(corev1.ProtocolTCP, PortMetrics)}
	if n.Spec.Console.Enabled {
		clients = append(clients, policyPort(corev1.ProtocolTCP, PortConsole))
	}
	links := []networkingv1.NetworkPolicyPort{policyPort(corev1.ProtocolTCP, PortP2P)}
	names := []networkingv1.NetworkPolicyPort{
		policyPort(corev1.ProtocolUDP, portDNS), policyPort(corev1.ProtocolTCP, portDNS),
		policyPort(corev1.ProtocolUDP, portPodDNS), policyPort(corev1.ProtocolTCP, portPodDNS),
	}
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: meta(n, n.Name, NetworkLabels(n.Name)),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: podSelector(n.Name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: peers, Ports: links}, {Ports: clients}},
			Egress:      []networkingv1.NetworkPolicyEgressRule{{To: peers, Ports: links}, {Ports: names}},
		},
	}
}

func policyPort(protocol corev1.Protocol, number int) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: ptr(intstr.FromInt(number))}
}
