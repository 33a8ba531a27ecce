package controllers

// What the operator may do in a cluster: these markers are the one source of
// its roles (config/rbac and the chart are generated from them). Objects are
// created by server-side apply, which takes create and patch; get is for asking
// about one that is not the operator's own, which its cache does not hold.
//
// The network's own kind: the operator writes its status and nothing else. The
// right to finalizers lets owner references block deletion where the cluster
// insists on it.
// +kubebuilder:rbac:groups=posnet.dev,resources=posnetworks,verbs=get;list;watch
// +kubebuilder:rbac:groups=posnet.dev,resources=posnetworks/status,verbs=patch
// +kubebuilder:rbac:groups=posnet.dev,resources=posnetworks/finalizers,verbs=update
//
// What a network is made of.
// +kubebuilder:rbac:groups="",resources=secrets;configmaps;services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
//
// What comes of it: pods are annotated when their peers change, and one that is
// stuck in a rollout taken back is deleted; volumes and events are read.
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=events,verbs=list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
//
// Leader election, in the operator's own namespace; its library tells of a new
// leader by an Event of the old kind.
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=posnet-system,verbs=get;create;update
// +kubebuilder:rbac:groups="",resources=events,namespace=posnet-system,verbs=create;patch
//
// The webhook's certificate: one Secret of the operator's namespace, which the
// installation makes empty, and the configuration that names the authority.
// +kubebuilder:rbac:groups="",resources=secrets,namespace=posnet-system,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,namespace=posnet-system,resourceNames=posnet-webhook-cert,verbs=update
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,verbs=list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,resourceNames=posnet-webhook,verbs=update
