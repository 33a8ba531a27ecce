package observe

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/posnet/posnet/controllers/health"
)

// podTrouble says what keeps a pod from running, with what to do; nil: nothing
// does.
func podTrouble(p *corev1.Pod) *health.Problem {
	if p.Status.Phase == corev1.PodFailed {
		return problem(health.ReasonCrashing, "pod %s failed: %s", p.Name, orElse(p.Status.Message, p.Status.Reason))
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return problem(health.ReasonUnschedulable, "pod %s cannot be placed on a machine: %s", p.Name, trim(c.Message))
		}
	}
	for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if w := c.State.Waiting; w != nil {
			if trouble := waitingTrouble(p, c, w); trouble != nil {
				return trouble
			}
		}
	}
	return nil
}

func waitingTrouble(p *corev1.Pod, c corev1.ContainerStatus, w *corev1.ContainerStateWaiting) *health.Problem {
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		return problem(health.ReasonImage, "pod %s: image %s cannot be pulled (%s): %s; put spec.image right, or spec.template.imagePullSecrets", p.Name, c.Image, w.Reason, trim(w.Message))
	case "CrashLoopBackOff":
		return problem(health.ReasonCrashing, "pod %s stops again and again: %s", p.Name, lastEnd(c))
	case "", "ContainerCreating", "PodInitializing":
		return nil
	}
	return problem(reasonCannotStart, "pod %s cannot start (%s): %s", p.Name, w.Reason, trim(w.Message))
}

// lastEnd says how a container ended the last time.
func lastEnd(c corev1.ContainerStatus) string {
	t := c.LastTerminationState.Terminated
	if t == nil {
		return "its container gives no reason"
	}
	said := fmt.Sprintf("%s, exit code %d", orElse(t.Reason, "ended"), t.ExitCode)
	if last := lastLine(t.Message); last != "" {
		said += ": " + last
	}
	return said
}

// claimTrouble says what keeps a volume claim from a volume; nil: nothing.
func claimTrouble(c *corev1.PersistentVolumeClaim, event string) *health.Problem {
	switch c.Status.Phase {
	case corev1.ClaimBound:
		return nil
	case corev1.ClaimLost:
		return problem(health.ReasonVolume, "volume claim %s has lost its volume: bring the volume back, or delete the claim, "+
			"with which the validator starts on an empty one and watches for a while before it votes", c.Name)
	}
	if event == "" {
		return problem(health.ReasonVolume, "volume claim %s has no volume yet", c.Name)
	}
	return problem(health.ReasonVolume, "volume claim %s has no volume yet: %s", c.Name, trim(event))
}

// reasonCannotStart: what a container needs is not there.
const reasonCannotStart = "CannotStart"

func problem(reason, format string, args ...any) *health.Problem {
	return &health.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

const maxText = 300 // characters of somebody else's message that a sentence can take

// trim makes somebody else's message part of a sentence.
func trim(text string) string {
	text = strings.TrimRight(strings.Join(strings.Fields(text), " "), ".")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// lastLine is the line of a log that says why.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return trim(lines[len(lines)-1])
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return trim(text)
}
