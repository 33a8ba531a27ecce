package observe

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/controllers/health"
)

const (
	// quietStart is how long a pod may take to start before events are asked what
	// keeps it: most pods are there within seconds.
	quietStart = 10 * time.Second
	// maxEvents of one object are read: those of one kind are counted in one.
	maxEvents = 50
)

// Troubles says, by validator, what keeps its pod from running. What neither pod
// nor claim tells is in events, which are asked for where something is amiss and
// only there. The error is that of the API server.
func (c *Cluster) Troubles(ctx context.Context, live client.Reader, now time.Time) (map[string]health.Problem, error) {
	out := map[string]health.Problem{}
	for name, set := range c.StatefulSets {
		if set.Spec.Replicas != nil && *set.Spec.Replicas == 0 {
			continue
		}
		trouble, err := c.trouble(ctx, live, name, set, now)
		if err != nil {
			return nil, err
		}
		if trouble != nil {
			out[name] = *trouble
		}
	}
	return out, nil
}

func (c *Cluster) trouble(ctx context.Context, live client.Reader, name string, set *appsv1.StatefulSet, now time.Time) (*health.Problem, error) {
	p := c.Pods[name]
	if p == nil {
		return noPod(ctx, live, set)
	}
	if isReady(p) {
		return nil, nil
	}
	claim := c.Claims[name]
	if claim != nil && claim.Status.Phase != corev1.ClaimBound && now.Sub(claim.CreationTimestamp.Time) > quietStart {
		event, err := lastEvent(ctx, live, claim.Namespace, claim.UID, "ProvisioningFailed", "FailedBinding")
		return claimTrouble(claim, event), err
	}
	if trouble := podTrouble(p); trouble != nil {
		return trouble, nil
	}
	if p.Status.Phase == corev1.PodPending && now.Sub(p.CreationTimestamp.Time) > quietStart {
		event, err := lastEvent(ctx, live, p.Namespace, p.UID, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
		if err != nil || event == "" {
			return nil, err
		}
		return problem(reasonCannotStart, "pod %s does not start: %s", p.Name, trim(event)), nil
	}
	return nil, nil
}

// noPod says why there is no pod: a quota that is full, or a policy.
func noPod(ctx context.Context, live client.Reader, set *appsv1.StatefulSet) (*health.Problem, error) {
	event, err := lastEvent(ctx, live, set.Namespace, set.UID, "FailedCreate")
	if err != nil || event == "" {
		return nil, err
	}
	reason := reasonCannotStart
	if strings.Contains(event, "exceeded quota") {
		reason = health.ReasonQuota
	}
	return problem(reason, "the pod of StatefulSet %s cannot be created: %s", set.Name, trim(event)), nil
}

// lastEvent returns the message of the newest event of an object for one of the
// reasons; empty: there is none.
func lastEvent(ctx context.Context, live client.Reader, namespace string, uid types.UID, reasons ...string) (string, error) {
	var list corev1.EventList
	err := live.List(ctx, &list, client.InNamespace(namespace), client.Limit(maxEvents),
		client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("involvedObject.uid", string(uid))})
	if err != nil {
		return "", fmt.Errorf("list events: %w", err)
	}
	message, newest := "", time.Time{}
	for _, e := range list.Items {
		if at := eventTime(e); hasReason(e, reasons) && !at.Before(newest) {
			message, newest = e.Message, at
		}
	}
	return message, nil
}

func hasReason(e corev1.Event, reasons []string) bool {
	for _, r := range reasons {
		if e.Reason == r {
			return true
		}
	}
	return false
}

func eventTime(e corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
