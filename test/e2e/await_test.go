//go:build e2e

package e2e

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is what anything in the cluster may take at most, on a machine that has
// other things to do.
const patience = 3 * time.Minute

// await watches an object until it is as wanted, and returns it then. found is
// asked of every version, and of nil while there is none.
func await[T client.Object](t *testing.T, w *world, list client.ObjectList, key client.ObjectKey, what string, found func(T) bool) T {
	t.Helper()
	var none, last T
	ctx := within(t, patience)
	for ctx.Err() == nil {
		watching, err := w.kube.Watch(ctx, list, client.InNamespace(key.Namespace),
			client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", key.Name)})
		if err != nil {
			continue // the context ends, or the API server does not answer just now
		}
		now := reflect.New(reflect.TypeOf(none).Elem()).Interface().(T)
		if err := w.kube.Get(ctx, key, now); apierrors.IsNotFound(err) {
			now = none
		} else if err != nil {
			watching.Stop()
			continue
		}
		for {
			last = now
			if found(now) {
				watching.Stop()
				return now
			}
			event, open := <-watching.ResultChan()
			if !open {
				break
			}
			next, ok := event.Object.(T)
			if !ok {
				break // the watch ends with an error
			}
			now = next
			if event.Type == watch.Deleted {
				now = none
			}
		}
		watching.Stop()
	}
	text, err := json.MarshalIndent(last, "", "  ")
	t.Fatalf("after %s %s is not so: %s\nit is %s %v", patience, key, what, text, err)
	return none
}
