package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
)

// What is where in a pod. Configs are mounted as folders: the kubelet brings a
// changed ConfigMap into a folder, and never into a single mounted file.
const (
	nodeCommand = "/usr/local/bin/node"
	nodeName    = "node" // of the container

	genesisVolume = "genesis"
	configVolume  = "config"
	keysVolume    = "keys"
	dataVolume    = "data"

	genesisPath = "/etc/posnet/genesis"
	configPath  = "/etc/posnet/config"
	keysPath    = "/etc/posnet/keys"
	dataPath    = "/data"
)

const (
	// user and group of the node: "nonroot", as distroless images have it.
	user = 65532
	// keysMode: a Secret's files are root's, and reach the node by its group.
	keysMode = 0o440
	// graceSeconds is ample for a node to finish a block and close its store.
	graceSeconds = 30
	// startSeconds a node may take to read what it wrote, after a crash, before it
	// counts as stuck.
	startSeconds = 600
)

// podTemplate is one validator's pod: the node's own part of it within what the
// restricted Pod Security level allows, the rest as spec.template says.
func podTemplate(in Input, node plan.Node) corev1.PodTemplateSpec {
	n, own := in.Network, in.Network.Spec.Template
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      under(own.Labels, ValidatorLabels(n.Name, node.Name)),
			Annotations: under(own.Annotations, map[string]string{AnnotationConfigHash: ConfigHash(node.Config)}),
		},
		Spec: corev1.PodSpec{
			ServiceAccountName:            ServiceAccountName(n.Name),
			AutomountServiceAccountToken:  ptr(false),
			EnableServiceLinks:            ptr(false),
			TerminationGracePeriodSeconds: ptr(int64(graceSeconds)),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:        ptr(true),
				RunAsUser:           ptr(int64(user)),
				RunAsGroup:          ptr(int64(user)),
				FSGroup:             ptr(int64(user)),
				FSGroupChangePolicy: ptr(corev1.FSGroupChangeOnRootMismatch),
				SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers:                []corev1.Container{container(in)},
			Volumes:                   volumes(n.Name, node.Name),
			NodeSelector:              own.NodeSelector,
			Tolerations:               own.Tolerations,
			Affinity:                  own.Affinity,
			TopologySpreadConstraints: spread(n),
			PriorityClassName:         own.PriorityClassName,
			RuntimeClassName:          own.RuntimeClassName,
			ImagePullSecrets:          own.ImagePullSecrets,
		},
	}
}

func container(in Input) corev1.Container {
	n := in.Network
	image := n.Spec.Image
	if image == "" {
		image = in.Image
	}
	return corev1.Container{
		Name:            nodeName,
		Image:           image,
		ImagePullPolicy: n.Spec.Template.ImagePullPolicy,
		Command: []string{
			nodeCommand,
			"--genesis", genesisPath + "/" + GenesisFile,
			"--config", configPath + "/" + ConfigFile,
			"--keys", keysPath + "/" + KeysFile,
		},
		Ports:     containerPorts(n),
		Resources: resources(n),
		VolumeMounts: []corev1.VolumeMount{
			{Name: genesisVolume, MountPath: genesisPath, ReadOnly: true},
			{Name: configVolume, MountPath: configPath, ReadOnly: true},
			{Name: keysVolume, MountPath: keysPath, ReadOnly: true},
			{Name: dataVolume, MountPath: dataPath},
		},
		// Why a node ended is in its last line, which the operator tells.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,

		StartupProbe:   probe("/healthz", 1, startSeconds),
		ReadinessProbe: probe("/readyz", 2, 3),
		LivenessProbe:  probe("/healthz", 10, 6), // a node that serves nobody for a minute is stuck
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false),
			ReadOnlyRootFilesystem:   ptr(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

func containerPorts(n *v1alpha1.PosNetwork) []corev1.ContainerPort {
	ports := []corev1.ContainerPort{
		{Name: nameAPI, ContainerPort: PortAPI, Protocol: corev1.ProtocolTCP},
		{Name: nameP2P, ContainerPort: PortP2P, Protocol: corev1.ProtocolTCP},
		{Name: nameMetrics, ContainerPort: PortMetrics, Protocol: corev1.ProtocolTCP},
	}
	if n.Spec.Console.Enabled {
		ports = append(ports, corev1.ContainerPort{Name: nameConsole, ContainerPort: PortConsole, Protocol: corev1.ProtocolTCP})
	}
	return ports
}

// probe asks a page of the client API each period; so many failures in a row are
// one too many.
// resources are the manifest's. Where it says nothing the node asks for a little: a
// pod that asks for none gets what others leave of a busy machine's time, and its
// validator counts as offline meanwhile.
func resources(n *v1alpha1.PosNetwork) corev1.ResourceRequirements {
	own := n.Spec.Template.Resources
	if len(own.Requests)+len(own.Limits)+len(own.Claims) > 0 {
		return own
	}
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("25m"),
		corev1.ResourceMemory: resource.MustParse("64Mi"),
	}}
}

func probe(page string, periodSeconds, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: page, Port: intstr.FromString(nameAPI)}},
		PeriodSeconds:    periodSeconds,
		TimeoutSeconds:   5,
		FailureThreshold: failures,
	}
}

func volumes(network, validator string) []corev1.Volume {
	configMap := func(name string) *corev1.ConfigMapVolumeSource {
		return &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}
	}
	return []corev1.Volume{
		{Name: genesisVolume, VolumeSource: corev1.VolumeSource{ConfigMap: configMap(GenesisName(network))}},
		{Name: configVolume, VolumeSource: corev1.VolumeSource{ConfigMap: configMap(ConfigName(network, validator))}},
		{Name: keysVolume, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: KeysName(network, validator), DefaultMode: ptr(int32(keysMode)),
		}}},
	}
}

// spread keeps a network's validators on different machines as far as that goes,
// so that no one machine takes the quorum with it; spec.template may say
// otherwise. Kubernetes does not do so by itself: to it each validator is a set
// of its own.
func spread(n *v1alpha1.PosNetwork) []corev1.TopologySpreadConstraint {
	if own := n.Spec.Template.TopologySpreadConstraints; len(own) > 0 {
		return own
	}
	return []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelHostname,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: podSelector(n.Name)},
	}}
}
