//go:build e2e

package e2e

import (
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// awaitEvent waits for an Event about the network, by its reason.
func (n *network) awaitEvent(t *testing.T, reason string) {
	t.Helper()
	ctx := within(t, patience)
	for ctx.Err() == nil {
		watching, err := n.kube.Watch(ctx, &eventsv1.EventList{}, client.InNamespace(n.key.Namespace))
		if err != nil {
			continue // the context ends, or the API server does not answer just now
		}
		for event := range watching.ResultChan() { // first what is there already
			if e, ok := event.Object.(*eventsv1.Event); ok && e.Reason == reason && e.Regarding.Name == n.key.Name {
				watching.Stop()
				return
			}
		}
	}
	t.Errorf("no Event %s of the network %s after %s", reason, n.key.Name, patience)
}
