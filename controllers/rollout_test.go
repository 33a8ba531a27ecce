package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/test/await"
)

const second = "posnet.example/node:v2"

// births notes in which order pods came, and how many were missing at a time.
type births struct {
	mu      sync.Mutex
	order   []string        // validators, as their pods came
	there   map[string]bool // validators whose pod is ready
	fewest  int             // pods that were ready at a time
	stopped func()
	done    chan struct{}
}

func (r *rig) watchPods(network string) *births {
	r.t.Helper()
	b := &births{there: map[string]bool{}, done: make(chan struct{})}
	for name := range r.pods(network) {
		b.there[name] = true
	}
	b.fewest = len(b.there)
	w, err := r.client.(client.WithWatch).Watch(context.Background(), &corev1.PodList{}, client.InNamespace(r.namespace), client.MatchingLabels{kube.LabelNetwork: network})
	if err != nil {
		r.t.Fatal(err)
	}
	b.stopped = sync.OnceFunc(func() { w.Stop(); <-b.done })
	r.t.Cleanup(b.stopped)
	go func() {
		defer close(b.done)
		known := map[string]bool{}
		for e := range w.ResultChan() {
			if p, ok := e.Object.(*corev1.Pod); ok {
				b.note(p, e.Type, known)
			}
		}
	}()
	return b
}

func (b *births) note(p *corev1.Pod, event watch.EventType, known map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := p.Labels[kube.LabelValidator]
	ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
	if ready && event != watch.Deleted && p.DeletionTimestamp.IsZero() {
		b.there[name] = true
		if !known[string(p.UID)] && p.Spec.Containers[0].Image == second {
			b.order = append(b.order, name)
		}
		known[string(p.UID)] = true
	} else {
		delete(b.there, name)
	}
	b.fewest = min(b.fewest, len(b.there))
}

// seen returns the order and the fewest.
func (b *births) seen() (string, int) {
	b.stopped()
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.order, " "), b.fewest
}

// A new image reaches one validator after the other, the lightest first, and the
// stake online stays above two thirds.
func TestARollout(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	b := r.watchPods("alpha")
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Image = second })
	r.awaitImage("alpha", "carol", second)
	r.awaitImage("alpha", "alice", second)
	r.awaitSettled("alpha")
	if order, fewest := b.seen(); order != "dave carol bob alice" || fewest != 3 {
		t.Errorf("they came in the order %s, with %d at least", order, fewest)
	}
	for _, e := range r.events("alpha") {
		if strings.HasPrefix(e, "Warning") && !strings.HasPrefix(e, "Warning ValidatorsOffline") { // the last one starts
			t.Errorf("there is an Event: %s", e)
		}
	}
}

// Peers are no reason for a restart; a rule is.
func TestARuleIsRolledOut(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) {
		s.Validators[3].Builder = &v1alpha1.BuilderOverride{When: "idle >= duration('200ms')"}
	})
	r.await("alpha", "dave has its rule", func(*v1alpha1.PosNetwork) bool {
		dave := r.pods("alpha")["dave"]
		return dave != nil && dave.UID != before["dave"].UID
	})
	r.awaitSettled("alpha")
	r.samePods("alpha", before, "dave")
}

// An image that cannot be pulled stops the rollout at its first pod; taking the
// edit back heals it, and no other pod is touched.
func TestARolloutThatStops(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	r.machine.Break(faults{MissingImage: second})
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Image = second })
	r.await("alpha", "the rollout stops", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False RolloutStopped: pod alpha-dave-0: image "+second+" cannot be pulled") &&
			is(n, v1alpha1.ConditionDegraded, "True ImageUnavailable: put spec.image right")
	})
	r.awaitEvent("alpha", "Warning RolloutStopped: dave does not come back under its new template")
	height := r.get("alpha").Status.Height
	r.await("alpha", "the chain goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height })
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Image = "" })
	r.awaitSettled("alpha")
	r.samePods("alpha", before, "dave")
}

// Where one validator holds a third or more, its restart pauses the chain: only
// where the manifest allows it, and with an Event.
func TestARolloutThatPausesTheChain(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", "  validators: [{name: alice, stake: 60}, {name: bob, stake: 20}, {name: carol, stake: 20}]\n  disruption: {allowQuorumLoss: false}\n"+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Image = second })
	r.await("alpha", "alice is not restarted", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False RolloutStopped: alice holds a third of the stake or more: to restart it would pause the chain")
	})
	r.samePods("alpha", before, "bob", "carol")
	r.awaitImage("alpha", "bob", second)
	r.awaitImage("alpha", "carol", second)
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Disruption.AllowQuorumLoss = true })
	r.awaitEvent("alpha", "Normal ChainPauses: alice is restarted, without which there is no quorum: the chain pauses, and nothing is lost")
	r.awaitImage("alpha", "alice", second)
	r.awaitSettled("alpha")
}

// awaitImage waits until a validator's pod runs an image.
func (r *rig) awaitImage(network, validator, image string) {
	r.t.Helper()
	await.True(r.t, validator+" runs "+image, func() error {
		p := r.pods(network)[validator]
		if p == nil || p.Spec.Containers[0].Image != image {
			return fmt.Errorf("it does not: %s", show(r.get(network)))
		}
		return nil
	})
}
