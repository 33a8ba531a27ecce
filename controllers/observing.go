package controllers

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/apply"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/observe"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/controllers/rules"
)

// seen is a network as it was observed, and what went wrong on the way.
type seen struct {
	network  *v1alpha1.PosNetwork
	rules    field.ErrorList // of builder rules that do not compile
	cluster  *observe.Cluster
	identity *observe.Identity         // nil: it cannot be told
	nodes    *nodes.Snapshot           // never nil
	troubles map[string]health.Problem // by validator: what keeps its pod from running

	stopped  []health.Problem
	changing []string
	err      error // of the API server, to be tried again
}

// observe gathers what there is of a network. The error is one without which
// nothing can be told.
func (r *Reconciler) observe(ctx context.Context, n *v1alpha1.PosNetwork) (*seen, error) {
	s := &seen{network: n, rules: rules.Check(&n.Spec), nodes: r.nodes.Snapshot(client.ObjectKeyFromObject(n))}
	if s.nodes == nil {
		s.nodes = &nodes.Snapshot{}
	}
	var err error
	if s.cluster, err = observe.Read(ctx, r.client, n); err != nil {
		return nil, err
	}
	if s.troubles, err = s.cluster.Troubles(ctx, r.live, r.now()); err != nil {
		s.failed(err)
	}
	if len(s.rules) > 0 && len(s.cluster.StatefulSets) == 0 {
		return s, nil // nothing of it is made
	}
	if s.identity, err = observe.Identify(ctx, r.applier, n, s.cluster, s.nodes.Validators); err != nil {
		s.failed(err)
	}
	return s, nil
}

// failed notes what cannot be done now. What a person must put right is told,
// and tried again now and then; all else is tried again soon.
func (s *seen) failed(err error) {
	var taken *apply.TakenError
	var leaving *apply.LeavingError
	switch {
	case errors.As(err, &leaving):
		s.changing = append(s.changing, err.Error())
	case errors.As(err, &taken):
		s.stop(health.ReasonNameTaken, err)
	case isQuota(err):
		s.stop(health.ReasonQuota, err)
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		s.stop(health.ReasonRefused, err)
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		s.err = errors.Join(s.err, err) // somebody was faster: the next look shows what they did
	default:
		s.stop(reasonAPIServer, err)
		s.err = errors.Join(s.err, err)
	}
}

func (s *seen) stop(reason string, err error) {
	s.stopped = append(s.stopped, health.Problem{Reason: reason, Message: err.Error()})
}

// reasonAPIServer: the API server answers errors that are its own.
const reasonAPIServer = "APIServerErrors"

// isQuota reports whether the API server refused an object because the namespace
// may hold no more.
func isQuota(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}
