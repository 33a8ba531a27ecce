//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
)

// logLines of each container are shown when a story fails.
const logLines = 60

// dumpIfFailed shows what the cluster looks like when a story has failed: networks,
// pods, events, and the ends of all logs.
func (w *world) dumpIfFailed(t *testing.T) {
	if !t.Failed() {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	var b strings.Builder
	w.dumpNetworks(ctx, &b)
	var pods corev1.PodList
	if err := w.kube.List(ctx, &pods); err != nil {
		fmt.Fprintln(&b, "pods:", err)
	}
	for _, pod := range pods.Items {
		if pod.Namespace == namespace || pod.Namespace == operatorNamespace || !ready(&pod) {
			w.dumpPod(ctx, &b, &pod)
		}
	}
	w.dumpEvents(ctx, &b)
	fmt.Fprintf(os.Stderr, "\n--- the cluster after %s has failed\n%s---\n\n", t.Name(), b.String())
}

func (w *world) dumpNetworks(ctx context.Context, b *strings.Builder) {
	var networks v1alpha1.PosNetworkList
	if err := w.kube.List(ctx, &networks); err != nil {
		fmt.Fprintln(b, "networks:", err)
	}
	for _, n := range networks.Items {
		n.ManagedFields = nil
		text, err := yaml.Marshal(n)
		fmt.Fprintf(b, "%s %v\n", text, err)
	}
}

func (w *world) dumpPod(ctx context.Context, b *strings.Builder, pod *corev1.Pod) {
	fmt.Fprintf(b, "pod %s/%s: %s, ready %v, %s\n", pod.Namespace, pod.Name, pod.Status.Phase, ready(pod), pod.Status.Message)
	for _, c := range pod.Status.ContainerStatuses {
		fmt.Fprintf(b, "  container %s: restarted %d times, state %+v, before %+v\n", c.Name, c.RestartCount, c.State, c.LastTerminationState)
	}
	lines := int64(logLines)
	logs, err := w.typed.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).DoRaw(ctx)
	fmt.Fprintf(b, "  log, its last %d lines: %v\n    %s\n", lines, err, strings.ReplaceAll(strings.TrimSpace(string(logs)), "\n", "\n    "))
}

func (w *world) dumpEvents(ctx context.Context, b *strings.Builder) {
	for _, where := range []string{operatorNamespace, namespace} {
		var events corev1.EventList
		if err := w.kube.List(ctx, &events, client.InNamespace(where)); err != nil {
			fmt.Fprintln(b, "events:", err)
		}
		slices.SortFunc(events.Items, func(x, y corev1.Event) int {
			return cmp.Compare(x.CreationTimestamp.Unix(), y.CreationTimestamp.Unix())
		})
		for _, e := range events.Items {
			fmt.Fprintf(b, "event %s %s %s/%s: %s: %s\n", e.CreationTimestamp.Format("15:04:05"), e.Type, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
		}
	}
}
