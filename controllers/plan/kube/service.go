package kube

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/posnet/posnet/api/v1alpha1"
)

// The ports' names, in containers and Services.
const (
	nameAPI     = "api"
	nameConsole = "console"
	nameP2P     = "p2p"
	nameMetrics = "metrics"
)

// nodesService is headless: it gives each pod a DNS name. Also to those that are
// not ready: validators must find each other before any of them can be.
func nodesService(n *v1alpha1.PosNetwork) *corev1.Service {
	s := service(n, NodesName(n.Name), servicePort(nameAPI, PortAPI), servicePort(nameP2P, PortP2P), servicePort(nameMetrics, PortMetrics))
	s.Spec.ClusterIP = corev1.ClusterIPNone
	s.Spec.PublishNotReadyAddresses = true
	return s
}

// apiService is for clients: any node that is caught up.
func apiService(n *v1alpha1.PosNetwork) *corev1.Service {
	ports := []corev1.ServicePort{servicePort(nameAPI, PortAPI)}
	if n.Spec.Console.Enabled {
		ports = append(ports, servicePort(nameConsole, PortConsole))
	}
	return service(n, APIName(n.Name), ports...)
}

func service(n *v1alpha1.PosNetwork, name string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta(n, name, NetworkLabels(n.Name)),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: podSelector(n.Name),
			Ports:    ports,
		},
	}
}

func servicePort(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Protocol: corev1.ProtocolTCP, Port: number, TargetPort: intstr.FromString(name)}
}
