// Package apply brings objects of a cluster to what they should be, and writes
// nothing where they are: it creates what is missing, applies what differs and
// deletes what is no longer wanted. It never touches what is somebody else's.
package apply

import (
	"context"
	"fmt"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// AnnotationApplied is on every applied object: the Hash of what was applied. A
// field that is taken out of a plan shows in nothing else.
const AnnotationApplied = "posnet.dev/applied"

// Verbs of Applier.Wrote.
const (
	Create = "create"
	Apply  = "apply"
	Patch  = "patch"
	Delete = "delete"
)

// Applier writes objects. It is safe for concurrent use.
type Applier struct {
	client client.Client
	live   client.Reader
	wrote  func(verb, kind string)

	mu    sync.Mutex
	known map[types.UID]map[types.UID]version // by network and object
}

// version is an object as it was last found to be right: the hashes of what was
// wanted of it, and of its template.
type version struct{ resource, whole, template string }

// New returns an applier that writes by a client and, where the client's cache
// does not hold an object, asks a reader that has none. wrote is told of each
// write.
func New(c client.Client, live client.Reader, wrote func(verb, kind string)) *Applier {
	return &Applier{client: c, live: live, wrote: wrote, known: map[types.UID]map[types.UID]version{}}
}

// Apply makes an object of n what it should be. live is the object as it is
// known; nil: it is not known to be there. want is changed. The error is a TakenError
// or LeavingError, or that of the API server with the object's name.
func (a *Applier) Apply(ctx context.Context, n *v1alpha1.PosNetwork, want, live client.Object) error {
	kind, live, err := a.find(ctx, n, want, live)
	if err != nil {
		return err
	}
	hash, err := Hash(want)
	if err != nil {
		return err
	}
	if live != nil && a.isKnown(n, live, func(v version) bool { return v.whole == hash }) {
		return nil
	}
	annotate(want, hash)
	sent, err := fields(want)
	if err != nil {
		return err
	}
	if live != nil {
		same, err := isAs(live, sent)
		if err != nil {
			return err
		}
		if same {
			a.remember(n, live, func(v *version) { v.whole = hash })
			return nil
		}
	}
	return a.send(ctx, kind, sent, live == nil)
}

// Keep makes an object of n that is created once and never written again, but
// for whose it is: labels, annotations, owner. It returns the object as it is in
// the cluster: want, or, where there was one, that. Errors are as those of Apply.
func (a *Applier) Keep(ctx context.Context, n *v1alpha1.PosNetwork, want, live client.Object) (client.Object, error) {
	kind, live, err := a.find(ctx, n, want, live)
	if err != nil {
		return nil, err
	}
	if live == nil {
		a.wrote(Create, kind)
		err := a.client.Create(ctx, want, client.FieldOwner(kube.ManagedBy))
		if apierrors.IsAlreadyExists(err) { // it came in between
			return a.Keep(ctx, n, want, nil)
		}
		return want, failed("create", kind, want, err)
	}
	if !differsInMeta(want, live) {
		return live, nil
	}
	mended := live.DeepCopyObject().(client.Object)
	mended.SetLabels(over(live.GetLabels(), want.GetLabels()))
	mended.SetAnnotations(over(live.GetAnnotations(), want.GetAnnotations()))
	mended.SetOwnerReferences(append(otherOwners(live), want.GetOwnerReferences()...))
	a.wrote(Patch, kind)
	err = a.client.Patch(ctx, mended, client.MergeFromWithOptions(live, client.MergeFromWithOptimisticLock{}), client.FieldOwner(kube.ManagedBy))
	return mended, failed("patch", kind, want, err)
}

// Remove deletes an object that was seen, unless another has taken its place.
func (a *Applier) Remove(ctx context.Context, n *v1alpha1.PosNetwork, seen client.Object) error {
	gvk, err := apiutil.GVKForObject(seen, a.client.Scheme())
	if err != nil {
		return err
	}
	if !seen.GetDeletionTimestamp().IsZero() {
		return nil
	}
	uid := seen.GetUID()
	a.wrote(Delete, gvk.Kind)
	err = a.client.Delete(ctx, seen, client.Preconditions{UID: &uid})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		err = nil
	}
	a.mu.Lock()
	delete(a.known[n.UID], uid)
	a.mu.Unlock()
	return failed("delete", gvk.Kind, seen, err)
}

// find returns the kind of an object and the object as it is, nil where there
// is none. What the cache does not hold is asked for: it may be somebody else's.
func (a *Applier) find(ctx context.Context, n *v1alpha1.PosNetwork, want, live client.Object) (string, client.Object, error) {
	gvk, err := apiutil.GVKForObject(want, a.client.Scheme())
	if err != nil {
		return "", nil, err
	}
	if live == nil {
		found, err := a.client.Scheme().New(gvk)
		if err != nil {
			return "", nil, err
		}
		live = found.(client.Object)
		err = a.live.Get(ctx, client.ObjectKeyFromObject(want), live)
		if apierrors.IsNotFound(err) {
			return gvk.Kind, nil, nil
		}
		if err != nil {
			return "", nil, failed("read", gvk.Kind, want, err)
		}
	}
	return gvk.Kind, live, claim(n, gvk.Kind, live)
}

// send applies fields. What is new is not forced, so that an object that comes
// in between stays its maker's.
func (a *Applier) send(ctx context.Context, kind string, sent map[string]any, isNew bool) error {
	u := &unstructured.Unstructured{Object: sent}
	options := []client.ApplyOption{client.FieldOwner(kube.ManagedBy)}
	if !isNew {
		options = append(options, client.ForceOwnership)
	}
	a.wrote(Apply, kind)
	return failed("apply", kind, u, a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), options...))
}

func failed(verb, kind string, object client.Object, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s: %w", verb, kind, object.GetName(), err)
}

func (a *Applier) isKnown(n *v1alpha1.PosNetwork, live client.Object, is func(version) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.known[n.UID][live.GetUID()]
	return v.resource == live.GetResourceVersion() && is(v)
}

func (a *Applier) remember(n *v1alpha1.PosNetwork, live client.Object, note func(*version)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known[n.UID] == nil {
		a.known[n.UID] = map[types.UID]version{}
	}
	v := a.known[n.UID][live.GetUID()]
	if v.resource != live.GetResourceVersion() {
		v = version{resource: live.GetResourceVersion()}
	}
	note(&v)
	a.known[n.UID][live.GetUID()] = v
}

// Annotate sets an annotation of a pod, which is somebody else's object.
func (a *Applier) Annotate(ctx context.Context, pod *corev1.Pod, key, value string) error {
	if pod.Annotations[key] == value {
		return nil
	}
	changed := pod.DeepCopy()
	changed.Annotations = over(pod.Annotations, map[string]string{key: value})
	a.wrote(Patch, "Pod")
	err := a.client.Patch(ctx, changed, client.MergeFrom(pod), client.FieldOwner(kube.ManagedBy))
	return failed("patch", "Pod", pod, client.IgnoreNotFound(err))
}

// Forget drops what is remembered of a network that is gone.
func (a *Applier) Forget(network types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, network)
}

func annotate(object client.Object, hash string) {
	object.SetAnnotations(over(object.GetAnnotations(), map[string]string{AnnotationApplied: hash}))
}

// over returns base with more laid over it.
func over(base, more map[string]string) map[string]string {
	if len(base)+len(more) == 0 {
		return nil
	}
	out := make(map[string]string, len(base)+len(more))
	maps.Copy(out, base)
	maps.Copy(out, more)
	return out
}

// differsInMeta reports whether live lacks a label or annotation of want, or has
// a network as its owner otherwise than want has.
func differsInMeta(want, live client.Object) bool {
	owners := append(otherOwners(live), want.GetOwnerReferences()...)
	return !maps.Equal(over(live.GetLabels(), want.GetLabels()), live.GetLabels()) ||
		!maps.Equal(over(live.GetAnnotations(), want.GetAnnotations()), live.GetAnnotations()) ||
		!equality.Semantic.DeepEqual(owners, live.GetOwnerReferences())
}

// otherOwners are the owners of an object that are no networks.
func otherOwners(object client.Object) []metav1.OwnerReference {
	var out []metav1.OwnerReference
	for _, owner := range object.GetOwnerReferences() {
		if owner.Kind != v1alpha1.Kind {
			out = append(out, owner)
		}
	}
	return out
}
