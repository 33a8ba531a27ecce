package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxWinners is how many blocks status.winners holds: enough to see the lottery
// at work, few enough that a status stays small.
const MaxWinners = 10

// PosNetworkStatus is the network as it was last seen.
type PosNetworkStatus struct {
	// phase is the network's state in one word.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// conditions: Ready, Progressing, Degraded, QuorumLost, Diverged, LotteryFair.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status goes by.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration"`

	// height of the newest committed block; 0 is genesis.
	// +optional
	Height int64 `json:"height"`

	// headHash is the newest committed block's hash.
	// +optional
	HeadHash string `json:"headHash,omitempty"`

	// headTime is the newest committed block's time, to the second.
	// +optional
	HeadTime *metav1.Time `json:"headTime,omitempty"`

	// totalStake of all validators.
	// +optional
	TotalStake int64 `json:"totalStake"`

	// onlineStake is the stake of the validators that are online.
	// +optional
	OnlineStake int64 `json:"onlineStake"`

	// faultMargin is the stake that may yet fail without the chain standing still.
	// +optional
	FaultMargin int64 `json:"faultMargin"`

	// validatorsOnline is how many validators of how many are online, as in "3/4".
	// +optional
	ValidatorsOnline string `json:"validatorsOnline,omitempty"`

	// winners of the newest ten blocks, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Winners []Winner `json:"winners,omitempty"`

	// validators, each as it was last seen.
	// +optional
	// +listType=map
	// +listMapKey=name
	Validators []ValidatorStatus `json:"validators,omitempty"`

	// evidence is how many times any validator, of now or of earlier, was caught
	// signing two votes that conflict.
	// +optional
	Evidence int64 `json:"evidence"`

	// fairness of the lottery so far.
	// +optional
	Fairness *Fairness `json:"fairness,omitempty"`

	// endpoints by which the network is reached.
	// +optional
	Endpoints Endpoints `json:"endpoints,omitzero"`
}

// Winner tells who won a block.
type Winner struct {
	// height of the block.
	Height int64 `json:"height"`

	// round in which the block was agreed upon, from 0.
	Round int64 `json:"round"`

	// validator that won, or guest.
	Validator string `json:"validator"`

	// hash of the block.
	Hash string `json:"hash"`

	// time of the block, to the second.
	Time metav1.Time `json:"time"`

	// records in the block.
	Records int64 `json:"records"`
}

// ValidatorStatus is a validator as it was last seen.
type ValidatorStatus struct {
	// name of the validator, replicas spread out.
	Name string `json:"name"`

	// address of its client API, host:port.
	// +optional
	Address string `json:"address,omitempty"`

	// stake as the spec says.
	// +optional
	Stake int64 `json:"stake"`

	// effectiveStake is the stake that counts on the chain at this height.
	// +optional
	EffectiveStake int64 `json:"effectiveStake"`

	// online says whether it answers.
	// +optional
	Online bool `json:"online"`

	// height of its newest block.
	// +optional
	Height int64 `json:"height"`

	// drawn is how many heights drew it first.
	// +optional
	Drawn int64 `json:"drawn"`

	// won is how many blocks it won.
	// +optional
	Won int64 `json:"won"`

	// missed is how many heights drew it while it had a candidate and brought none.
	// +optional
	Missed int64 `json:"missed"`

	// evidence is how many times it was caught signing two votes that conflict.
	// +optional
	Evidence int64 `json:"evidence"`
}

// Fairness is the audit of the draws so far.
type Fairness struct {
	// draws that were audited.
	// +optional
	Draws int64 `json:"draws"`

	// pValue of the goodness of fit over all draws, from 0 to 1; absent while there
	// are too few draws for one.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1
	PValue *float64 `json:"pValue,omitempty"`

	// fair says whether every draw was recomputed alike and nothing speaks against
	// the lottery's being fair.
	// +optional
	Fair bool `json:"fair"`
}

// Endpoints are the addresses by which a network is reached.
type Endpoints struct {
	// api is the websocket URL of the client API.
	// +optional
	API string `json:"api,omitempty"`

	// console is the host:port of the line console.
	// +optional
	Console string `json:"console,omitempty"`

	// explorer is the URL of the explorer.
	// +optional
	Explorer string `json:"explorer,omitempty"`
}
