package controllers

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apitypes "k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/apply"
	"github.com/posnet/posnet/controllers/observe/nodes"
)

// Reconciler brings networks to what their specs say, and their statuses to what
// they are. It is safe for concurrent use.
type Reconciler struct {
	client  client.Client // reads from the cache
	live    client.Reader // reads past it
	applier *apply.Applier
	nodes   *nodes.Watcher
	address func(*corev1.Pod) string // where a pod's client API is; empty: nowhere
	events  recorder.EventRecorder
	image   string
	now     func() time.Time

	mu       sync.Mutex
	memories map[apitypes.NamespacedName]*memory
}

// memory is what is remembered of one network.
type memory struct {
	uid   apitypes.UID
	began time.Time // when this process saw it first
	wrote time.Time // when this process wrote its status last; zero: never
	pause string    // the restart that paused the chain last
}

// Reconcile works in four beats. It waits for the API server only: what nodes
// say was asked in the background. An error is tried again, later each time.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var n v1alpha1.PosNetwork
	err := r.client.Get(ctx, request.NamespacedName, &n)
	if apierrors.IsNotFound(err) || err == nil && !n.DeletionTimestamp.IsZero() {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	m := r.remember(&n)
	measure(&n)
	s, err := r.observe(ctx, &n)
	if err != nil {
		return ctrl.Result{}, err
	}
	r.announceBirth(s)
	p := r.plan(s)
	if p != nil {
		r.follow(s, p)
	}
	if !n.Spec.Paused {
		r.apply(ctx, s, p, m)
	}
	return r.tell(ctx, s, p, m)
}

// remember returns the memory of a network. One that was deleted and made again
// under its name is another.
func (r *Reconciler) remember(n *v1alpha1.PosNetwork) *memory {
	name := client.ObjectKeyFromObject(n)
	r.mu.Lock()
	m := r.memories[name]
	r.mu.Unlock()
	if m != nil && m.uid == n.UID {
		return m
	}
	r.forget(name)
	m = &memory{uid: n.UID, began: r.now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memories[name] = m
	return m
}

// forget drops what is remembered of a network that is gone. What it was made of
// goes by its owner references.
func (r *Reconciler) forget(name apitypes.NamespacedName) {
	r.mu.Lock()
	m := r.memories[name]
	delete(r.memories, name)
	r.mu.Unlock()
	if m == nil {
		return
	}
	r.nodes.Forget(name)
	r.applier.Forget(m.uid)
	unmeasure(name.Namespace, name.Name)
}
