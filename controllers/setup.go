// Package controllers is the operator: it makes networks of PosNetwork objects,
// and tells how they are. Its one controller works in four beats: observe, plan,
// apply, one status write.
package controllers

import (
	"fmt"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/webhook"
)

// Limits of the operator's own work.
const (
	// apiRate and apiBurst bound the requests to the API server, per second: a
	// status write for each of two hundred networks every five seconds is forty.
	apiRate, apiBurst = 100, 200
	// shutdownTime is what a reconcile under way gets to end: it waits for the
	// API server only.
	shutdownTime = 10 * time.Second
	// leaseName is the lock that the leader among the operator's replicas holds.
	leaseName = "posnet-operator"
)

// Options say how the operator runs.
type Options struct {
	Image          string // that nodes run where their manifest names none
	WatchNamespace string // empty: all
	MetricsAddress string // "0": none
	ProbeAddress   string // "0": none
	LeaderElection bool
	LeaseNamespace string           // empty: that of the operator's pod
	Webhook        *webhook.Options // nil: none
	Logger         logr.Logger
}

// NewScheme knows all kinds that the operator handles.
func NewScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s)) // fails for kinds that contradict each other only
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// NewManager makes a manager that runs the whole operator when started.
func NewManager(config *rest.Config, o Options) (manager.Manager, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = apiRate, apiBurst
	grace := shutdownTime
	mo := ctrl.Options{
		Scheme: NewScheme(), Logger: o.Logger, Cache: cacheOptions(o.WatchNamespace),
		Metrics:                metricsserver.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress: o.ProbeAddress,
		LeaderElection:         o.LeaderElection, LeaderElectionID: leaseName, LeaderElectionNamespace: o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true, // the process ends with its manager
		GracefulShutdownTimeout:       &grace,
	}
	if o.Webhook != nil {
		mo.WebhookServer = o.Webhook.Server()
	}
	m, err := ctrl.NewManager(config, mo)
	if err != nil {
		return nil, fmt.Errorf("the operator cannot be set up: %w", err)
	}
	if err := m.AddHealthzCheck("process", healthz.Ping); err != nil {
		return nil, err
	}
	if o.Webhook == nil {
		return m, m.AddReadyzCheck("process", healthz.Ping)
	}
	return m, webhook.Add(m, *o.Webhook)
}

// cacheOptions keep what the operator made and nothing else of the cluster: its
// memory grows with its networks, not with what else there is.
func cacheOptions(namespace string) cache.Options {
	o := cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{}}
	if namespace != "" {
		o.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{"app.kubernetes.io/managed-by": "posnet-operator"})}
	for _, kind := range []client.Object{
		&corev1.Secret{}, &corev1.ConfigMap{}, &corev1.Service{}, &corev1.ServiceAccount{}, &corev1.Pod{}, &corev1.PersistentVolumeClaim{},
		&appsv1.StatefulSet{}, &policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{},
	} {
		o.ByObject[kind] = ours
	}
	return o
}
