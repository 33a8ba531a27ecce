package kube

import (
	"context"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/test/ports"
)

const (
	// tick is how often a machine looks at what it runs, beside every change that
	// the API server tells of.
	tick = 200 * time.Millisecond
	// collectInterval is how often it looks for what is orphaned.
	collectInterval = time.Second
)

// Machine stands in for the one machine of a cluster, in one namespace of it:
// it makes the pods of StatefulSets as their controller does, and runs each as a
// node in this process, from the ConfigMaps and Secrets that the pod mounts. It
// collects what is orphaned as the garbage collector does.
type Machine struct {
	Namespace string
	cluster   *Cluster
	dir       string
	wake      chan struct{}
	collected time.Time

	mu      sync.Mutex
	ports   *ports.Block
	links   map[string]string // by the DNS name of a pod: where its peers reach it
	running map[types.UID]*process
	faults  Faults
}

// Faults is what goes wrong on a machine.
type Faults struct {
	MissingImage string          // that cannot be pulled
	NoRoom       bool            // no new pod finds a place
	NoVolumes    bool            // no new claim gets a volume
	Quota        bool            // no new pod is let in
	NotReady     map[string]bool // by name: pods that run and never get ready
}

// StartMachine starts a machine for a namespace. It stops with the test, and
// everything on it.
func StartMachine(t testing.TB, c *Cluster, namespace string) *Machine {
	t.Helper()
	block, err := ports.Take(ports.Max)
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{
		Namespace: namespace, cluster: c, dir: t.TempDir(), wake: make(chan struct{}, 1), ports: block,
		links: map[string]string{}, running: map[types.UID]*process{},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, list := range []client.ObjectList{&appsv1.StatefulSetList{}, &corev1.PodList{}, &corev1.ConfigMapList{}} {
		events, err := c.Client.Watch(ctx, list, client.InNamespace(namespace))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { m.listen(events) })
	}
	wg.Go(func() { m.run(ctx, t) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		m.stopAll(t)
		block.Release()
	})
	return m
}

func (m *Machine) listen(events watch.Interface) {
	for range events.ResultChan() {
		select {
		case m.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

func (m *Machine) run(ctx context.Context, t testing.TB) {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		if err := m.step(ctx); err != nil && ctx.Err() == nil {
			t.Logf("the machine of %s: %v", m.Namespace, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-clock.C:
		}
	}
}

// Break lets things go wrong from now on, or, with no faults, right again.
func (m *Machine) Break(f Faults) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = f
}

func (m *Machine) broken() Faults {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults
}

// step brings the machine to what the API server says now.
func (m *Machine) step(ctx context.Context) error {
	if err := m.controlSets(ctx); err != nil {
		return err
	}
	if time.Since(m.collected) >= collectInterval {
		m.collected = time.Now()
		if err := m.collect(ctx); err != nil {
			return err
		}
	}
	return m.runPods(ctx)
}

// Address is where the client API of a pod answers; empty: nowhere.
func (m *Machine) Address(p *corev1.Pod) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.running[p.UID]; r != nil && r.node != nil {
		return r.node.Addresses().API
	}
	return ""
}
