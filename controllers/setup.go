// Package controllers is the operator: it makes networks of PosNetwork objects,
// and tells how they are. Its one controller works in four beats: observe, plan,
// apply, one status write.
package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	apitypes "k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/apply"
	"github.com/posnet/posnet/controllers/observe"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/controllers/plan/kube"
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
	// workers is how many networks are reconciled at a time.
	workers = 4
	// retryFirst and retryMost bound the pause after an error of the API server.
	retryFirst, retryMost = 100 * time.Millisecond, time.Minute
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

	// Address returns where a pod's client API is, as host:port, and nothing while
	// that is not known; nil: at the pod's own address.
	Address func(*corev1.Pod) string
}

// NewScheme knows all kinds that the operator handles.
func NewScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s)) // fails for kinds that contradict each other only
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// NewManager makes a manager that runs the whole operator when started.
func NewManager(cluster *rest.Config, o Options) (manager.Manager, error) {
	cluster = rest.CopyConfig(cluster)
	cluster.QPS, cluster.Burst = apiRate, apiBurst
	grace := shutdownTime
	mo := ctrl.Options{
		Scheme: NewScheme(), Logger: o.Logger, Cache: cacheOptions(o.WatchNamespace),
		Metrics:                metricsserver.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress: o.ProbeAddress,
		LeaderElection:         o.LeaderElection, LeaderElectionID: leaseName, LeaderElectionNamespace: o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true, // the process ends with its manager
		GracefulShutdownTimeout:       &grace,
		// The name of the one controller is no other's; a process may have several managers.
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	}
	if o.Webhook != nil {
		mo.WebhookServer = o.Webhook.Server()
	}
	m, err := ctrl.NewManager(cluster, mo)
	if err != nil {
		return nil, fmt.Errorf("the operator cannot be set up: %w", err)
	}
	if err := addReconciler(m, o); err != nil {
		return nil, err
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
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{kube.LabelManagedBy: kube.ManagedBy})}
	for _, kind := range observe.Kinds() {
		o.ByObject[kind] = ours
	}
	return o
}

// addReconciler adds the one controller, and what it stands on, to a manager.
func addReconciler(m manager.Manager, o Options) error {
	registerMetrics()
	applier := apply.New(m.GetClient(), m.GetAPIReader(), func(verb, kind string) { objectWrites.WithLabelValues(verb, kind).Inc() })
	r := &Reconciler{
		client: m.GetClient(), live: m.GetAPIReader(), applier: applier, nodes: nodes.New(),
		address: o.Address, events: m.GetEventRecorder(kube.ManagedBy), image: o.Image, now: time.Now, memories: map[apitypes.NamespacedName]*memory{},
	}
	if r.address == nil {
		r.address = podAddress
	}
	if err := m.Add(r.nodes); err != nil {
		return err
	}
	b := ctrl.NewControllerManagedBy(m).Named("posnetwork").WatchesRawSource(r.nodes.Source()).
		For(&v1alpha1.PosNetwork{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})). // its own writes are of the status
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		})
	for _, kind := range observe.Kinds() {
		if err := m.GetFieldIndexer().IndexField(context.Background(), kind, observe.IndexNetwork, observe.ByNetwork); err != nil {
			return err
		}
		b = b.Watches(kind, handler.EnqueueRequestsFromMapFunc(networkOf))
	}
	return b.Complete(r)
}

// networkOf asks for a reconcile of the network whose an object is: by its label,
// which what is kept has also when nobody owns it.
func networkOf(_ context.Context, o client.Object) []reconcile.Request {
	name := o.GetLabels()[kube.LabelNetwork]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: apitypes.NamespacedName{Namespace: o.GetNamespace(), Name: name}}}
}
