package v1alpha1

// Condition types of a PosNetwork, in status.conditions.
const (
	// ConditionReady is true while a quorum of the stake is online and agrees, and
	// blocks come where there is reason for one. It is false too while the spec has a
	// builder rule that does not compile.
	ConditionReady = "Ready"

	// ConditionProgressing is true while the network is being brought to what its
	// spec says: created, rolled out, resized, woken or put to sleep. Its reason is
	// AsSpecified once that is done; any other beside a false says what is in the way.
	ConditionProgressing = "Progressing"

	// ConditionDegraded is true while some validator is offline or far behind, tells
	// what is not so, or could not start anew.
	ConditionDegraded = "Degraded"

	// ConditionQuorumLost is true while the stake online is 2/3 of the total or
	// less: the chain stands still, and nothing is lost.
	ConditionQuorumLost = "QuorumLost"

	// ConditionDiverged is true once two validators hold different blocks at one
	// height, which no fault of less than a third of the stake can bring about.
	ConditionDiverged = "Diverged"

	// ConditionLotteryFair is true while the draws so far agree with the stakes, as
	// far as their number lets one tell.
	ConditionLotteryFair = "LotteryFair"
)

// Phase is a network's state in one word, for people. Programs read the
// conditions, which say more.
//
// +kubebuilder:validation:Enum=Pending;Running;Degraded;Halted;Diverged;Paused;Hibernated
type Phase string

// The phases of a network.
const (
	// PhasePending: the network has not had a quorum online yet.
	PhasePending Phase = "Pending"

	// PhaseRunning: every validator is online and agrees.
	PhaseRunning Phase = "Running"

	// PhaseDegraded: a quorum is online and agrees, some validator is not.
	PhaseDegraded Phase = "Degraded"

	// PhaseHalted: the chain stands still, because the quorum is lost or for another
	// reason that the conditions tell.
	PhaseHalted Phase = "Halted"

	// PhaseDiverged: two validators hold different blocks at one height.
	PhaseDiverged Phase = "Diverged"

	// PhasePaused: spec.paused is set, and the operator leaves the network alone.
	PhasePaused Phase = "Paused"

	// PhaseHibernated: spec.hibernate is set; no node runs, all data is kept.
	PhaseHibernated Phase = "Hibernated"
)
