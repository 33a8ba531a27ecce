package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/test/kube"
)

const (
	// image that pods name; nothing runs it.
	image = "posnet.example/node:bench"
	// birthPatience is how long all networks may take to be ready, and lookPause how
	// long is waited between two looks at them.
	birthPatience, lookPause = 10 * time.Minute, 500 * time.Millisecond
	// settleTime is what the operator gets to come to rest once nothing changes:
	// three rounds of questions to the nodes.
	settleTime = 20 * time.Second
	// nudges is how many reconciles of each network are called for at rest.
	nudges = 5
)

// bench is a measurement under way.
type bench struct {
	options
	client    client.WithWatch
	namespace string
	operator  *operator
	standIns  *standIns
	statuses  *statuses
}

func networkName(number int) string { return fmt.Sprintf("network-%d", number) }

func run(ctx context.Context, o options) (err error) {
	say("starting an API server, and building the operator")
	cluster, err := kube.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	dir, err := os.MkdirTemp("", "posnet-bench-operator-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, client: cluster.Client, namespace: "default"}
	if b.standIns, err = startStandIns(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.standIns.stop()) }()
	if b.operator, err = startOperator(ctx, cluster.Config, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.operator.stop()) }()
	t, err := b.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Print(t.text())
	return nil
}

func (b *bench) measure(ctx context.Context) (*table, error) {
	var err error
	if b.statuses, err = watchStatuses(ctx, b.client, b.namespace); err != nil {
		return nil, err
	}
	t := &table{options: b.options}
	began := time.Now()
	if err := b.birth(ctx); err != nil {
		return nil, err
	}
	t.birth = time.Since(began)
	say("all networks are ready after %v; measuring for %v", t.birth.Round(time.Second), b.span)
	if t.busy, err = b.over(ctx, b.span); err != nil {
		return nil, err
	}
	t.writes = b.statuses.spacing()
	if err := b.standIns.rest(); err != nil {
		return nil, err
	}
	say("the networks come to rest")
	if err := sleep(ctx, settleTime); err != nil {
		return nil, err
	}
	say("calling for %d reconciles of each", nudges)
	before, err := b.operator.sample()
	if err != nil {
		return nil, err
	}
	for range nudges {
		if err := b.nudge(ctx); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, settleTime/4); err != nil {
		return nil, err
	}
	after, err := b.operator.sample()
	if err != nil {
		return nil, err
	}
	t.idle = after.since(before)
	return t, nil
}

// birth creates the networks and waits until all are ready.
func (b *bench) birth(ctx context.Context) error {
	say("creating %d networks of %d validators", b.networks, validators)
	for i := range b.networks {
		n := &v1alpha1.PosNetwork{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: networkName(i)}}
		for k := range validators {
			n.Spec.Validators = append(n.Spec.Validators, v1alpha1.Validator{Name: fmt.Sprintf("v%d", k), Stake: 25})
		}
		if err := b.create(ctx, n); err != nil {
			return err
		}
	}
	waiting := make([]int, b.networks)
	for i := range waiting {
		waiting[i] = i
	}
	for end := time.Now().Add(birthPatience); len(waiting) > 0 || b.statuses.ready() < b.networks; {
		if time.Now().After(end) {
			return fmt.Errorf("only %d of %d networks are ready after %v: see the operator's log, %s", b.statuses.ready(), b.networks, birthPatience, b.operator.log)
		}
		if err := b.operator.died(); err != nil {
			return err
		}
		var failed error
		waiting = slices.DeleteFunc(waiting, func(i int) bool {
			c, made, err := b.place(ctx, i)
			if err == nil && made {
				err = b.standIns.add(c)
			}
			failed = errors.Join(failed, err)
			return made
		})
		if failed != nil {
			return failed
		}
		say("%d networks have their pods, %d are ready", b.networks-len(waiting), b.statuses.ready())
		if err := sleep(ctx, lookPause); err != nil {
			return err
		}
	}
	return nil
}

// create sends what a person would write: the defaults are the API server's.
func (b *bench) create(ctx context.Context, n *v1alpha1.PosNetwork) error {
	u, err := manifest(n)
	if err != nil {
		return err
	}
	return b.client.Create(ctx, u)
}

// over measures for a while.
func (b *bench) over(ctx context.Context, span time.Duration) (usage, error) {
	from, err := b.operator.sample()
	if err != nil {
		return usage{}, err
	}
	b.statuses.forget()
	if err := sleep(ctx, span); err != nil {
		return usage{}, err
	}
	to, err := b.operator.sample()
	if err != nil {
		return usage{}, err
	}
	return to.since(from), b.operator.died()
}

// nudge touches a pod of each network, which calls for a reconcile that finds
// everything as it should be.
func (b *bench) nudge(ctx context.Context) error {
	for i := range b.networks {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: networkName(i) + "-v0-0"}}
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{"bench":"%d"}}}`, time.Now().UnixNano()))
		if err := b.client.Patch(ctx, p, patch); err != nil {
			return err
		}
	}
	return sleep(ctx, time.Second)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
