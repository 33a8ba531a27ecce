package main

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
)

// manifest is a network as a person writes it: without what the API server fills
// in, and without a status.
func manifest(n *v1alpha1.PosNetwork) (*unstructured.Unstructured, error) {
	list, err := json.Marshal(n.Spec.Validators)
	if err != nil {
		return nil, err
	}
	var plain []any
	if err := json.Unmarshal(list, &plain); err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"validators": plain}}}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("PosNetwork"))
	u.SetNamespace(n.Namespace)
	u.SetName(n.Name)
	return u, nil
}

// statuses are what anybody who watches the networks sees of them.
type statuses struct {
	mu     sync.Mutex
	isUp   map[string]bool
	last   map[string]time.Time
	gaps   []time.Duration // between two changes of one network's status
	behind []time.Duration // from a block's time to the status that tells of it
	head   map[string]int64
}

func watchStatuses(ctx context.Context, c client.WithWatch, namespace string) (*statuses, error) {
	s := &statuses{isUp: map[string]bool{}, last: map[string]time.Time{}, head: map[string]int64{}}
	w, err := c.Watch(ctx, &v1alpha1.PosNetworkList{}, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	go func() {
		for event := range w.ResultChan() {
			if n, ok := event.Object.(*v1alpha1.PosNetwork); ok && event.Type == watch.Modified {
				s.note(n)
			}
		}
	}()
	return s, nil
}

func (s *statuses) note(n *v1alpha1.PosNetwork) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.isUp[n.Name] = meta.IsStatusConditionPresentAndEqual(n.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if before, known := s.last[n.Name]; known {
		s.gaps = append(s.gaps, now.Sub(before))
	}
	s.last[n.Name] = now
	// The status has whole seconds: what it is late by is known to one.
	if n.Status.HeadTime != nil && n.Status.Height > s.head[n.Name] {
		s.behind = append(s.behind, now.Sub(n.Status.HeadTime.Time))
	}
	s.head[n.Name] = n.Status.Height
}

// ready is how many networks are.
func (s *statuses) ready() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, up := range s.isUp {
		if up {
			count++
		}
	}
	return count
}

// forget begins a new count.
func (s *statuses) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.last)
	s.gaps, s.behind = nil, nil
}

// spacing is how far apart the writes were.
type spacing struct {
	count         int
	least, median time.Duration
	behind        time.Duration // the median of statuses behind their newest block, to a second
}

func (s *statuses) spacing() spacing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gaps) == 0 || len(s.behind) == 0 {
		return spacing{}
	}
	slices.Sort(s.gaps)
	slices.Sort(s.behind)
	return spacing{count: len(s.gaps), least: s.gaps[0], median: s.gaps[len(s.gaps)/2], behind: s.behind[len(s.behind)/2]}
}
