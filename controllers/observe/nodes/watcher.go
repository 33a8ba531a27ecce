package nodes

import (
	"context"
	"reflect"
	"sync"

	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Watcher follows networks. It is a manager.Runnable; its methods are safe for
// concurrent use and return at once.
type Watcher struct {
	places chan struct{} // one for each node that is being asked

	mu       sync.Mutex
	ctx      context.Context // of Start; nil before
	queue    workqueue.TypedRateLimitingInterface[reconcile.Request]
	networks map[apitypes.NamespacedName]*follower
	running  sync.WaitGroup
}

// New returns a watcher that follows nothing. What it is told to follow is
// followed once it has started.
func New() *Watcher {
	return &Watcher{places: make(chan struct{}, maxAsking), networks: map[apitypes.NamespacedName]*follower{}}
}

// Start follows networks until ctx ends.
func (w *Watcher) Start(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	for _, f := range w.networks {
		w.start(f)
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.running.Wait()
	return nil
}

// Source asks for a reconcile of each network of which something is new: a node
// that comes, goes, falls behind or catches up, stakes that have changed, and now
// and then new blocks.
func (w *Watcher) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue = queue
		return nil
	})
}

// Follow follows a network from now on, or as it is now. It may be called as
// often as one likes.
func (w *Watcher) Follow(key apitypes.NamespacedName, n Network) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.networks[key]
	if f != nil && f.wanted.ID != n.ID {
		f.stop() // another network under the same name
		f = nil
	}
	if f == nil {
		f = newFollower(w, key, n)
		w.networks[key] = f
		w.start(f)
		return
	}
	if !reflect.DeepEqual(f.wanted, n) {
		f.wanted = n
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}

// Forget follows a network no longer.
func (w *Watcher) Forget(key apitypes.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.networks[key]; f != nil {
		f.stop()
		delete(w.networks, key)
	}
}

// Snapshot returns what is known of a network, nil while nothing is.
func (w *Watcher) Snapshot(key apitypes.NamespacedName) *Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.networks[key]; f != nil {
		return f.snapshot
	}
	return nil
}

// start runs a follower if the watcher runs. The caller holds w.mu.
func (w *Watcher) start(f *follower) {
	if w.ctx == nil || w.ctx.Err() != nil {
		return
	}
	stop := context.AfterFunc(w.ctx, f.stop)
	w.running.Go(func() {
		defer stop()
		f.run()
	})
}

// publish makes what is known known, and asks for a reconcile if wake is set.
func (w *Watcher) publish(f *follower, s *Snapshot, wake bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s != nil {
		f.snapshot = s
	}
	if wake && w.queue != nil && w.networks[f.key] == f {
		w.queue.Add(reconcile.Request{NamespacedName: f.key})
	}
}

// wish returns what a follower is to follow.
func (w *Watcher) wish(f *follower) Network {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.wanted
}
