package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PosNetwork is one proof-of-stake chain and the validators that run it.
//
// A network's name has at most 24 characters, and so has a validator's: the
// StatefulSet NETWORK-VALIDATOR-REPLICA then keeps within the 52 that Kubernetes
// leaves a StatefulSet's name (63 of a label, less the hash it appends).
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=posnetworks,singular=posnetwork,shortName=posnet;pn,categories=all,scope=Namespaced
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Height",type=integer,JSONPath=`.status.height`
// +kubebuilder:printcolumn:name="Winner",type=string,JSONPath=`.status.winners[0].validator`
// +kubebuilder:printcolumn:name="Validators",type=string,JSONPath=`.status.validatorsOnline`
// +kubebuilder:printcolumn:name="Online stake",type=integer,JSONPath=`.status.onlineStake`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 24 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name: a network's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning with a letter, ending with a letter or digit"
type PosNetwork struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the network as it should be.
	// +required
	Spec PosNetworkSpec `json:"spec"`

	// status is the network as it was last seen.
	// +optional
	Status PosNetworkStatus `json:"status,omitzero"`
}

// PosNetworkList is a list of networks.
//
// +kubebuilder:object:root=true
type PosNetworkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []PosNetwork `json:"items"`
}

// PosNetworkSpec says which validators run the chain, with how much stake, and
// under which rule they build blocks.
type PosNetworkSpec struct {
	// validators of the network at its start, 1 to 100 counting replicas. Names are
	// unique, also once replicas are spread out; the stakes of all together are at
	// most 9007199254740991 (2^53 - 1, what every JSON reader holds exactly).
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:XValidation:rule="self.map(v, has(v.replicas) ? v.replicas : 1).sum() <= 100",message="there are more than 100 validators, counting replicas; 1 to 100 are allowed"
	// +kubebuilder:validation:XValidation:rule="self.map(v, has(v.replicas) ? v.replicas : 1).sum() > 100 || self.map(v, v.stake * (has(v.replicas) ? v.replicas : 1)).sum() <= 9007199254740991",message="the stakes of all validators together, counting replicas, are more than 9007199254740991 (2^53 - 1), which is the most allowed"
	// +kubebuilder:validation:XValidation:rule="self.all(v, has(v.replicas) || self.all(r, !has(r.replicas) || !v.name.startsWith(r.name + '-') || !v.name.substring(size(r.name)).matches('^-(0|[1-9][0-9]?)$') || int(v.name.substring(size(r.name) + 1)) >= r.replicas))",messageExpression="'the name ' + self.map(v, !has(v.replicas) && self.exists(r, has(r.replicas) && v.name.startsWith(r.name + '-') && v.name.substring(size(r.name)).matches('^-(0|[1-9][0-9]?)$') && int(v.name.substring(size(r.name) + 1)) < r.replicas), v.name)[0] + ' is also that of a replica of another validator; names must differ once replicas are spread out (NAME-0, NAME-1, ...)'",message="a validator has the name of another one's replica; names must differ once replicas are spread out (NAME-0, NAME-1, ...)"
	Validators []Validator `json:"validators"`

	// builder is the rule by which a validator makes a candidate block of its pool.
	// +optional
	// +kubebuilder:default={}
	Builder Builder `json:"builder"`

	// consensus is the pace of the agreement.
	// +optional
	// +kubebuilder:default={}
	Consensus Consensus `json:"consensus"`

	// ledger is what the chain starts with and pays out. It is part of the genesis
	// and does not change while the network lives.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="ledger is part of the genesis, which never changes; to change it, make a new network"
	// +kubebuilder:default={}
	Ledger Ledger `json:"ledger"`

	// faucet lets anybody mint tokens: a transfer from the account GENESIS. It is
	// part of the genesis and does not change while the network lives.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="faucet is part of the genesis, which never changes; to change it, make a new network"
	// +kubebuilder:default={}
	Faucet Faucet `json:"faucet"`

	// console is the line console (TCP port 9090, for nc). What it says of guests is
	// part of the genesis and does not change while the network lives.
	// +optional
	// +kubebuilder:default={}
	Console Console `json:"console"`

	// storage is the volume of each validator.
	// +optional
	// +kubebuilder:default={}
	Storage Storage `json:"storage"`

	// image that the nodes run; by default the one of the operator's own release.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// disruption says what voluntary changes may cost the chain.
	// +optional
	// +kubebuilder:default={}
	Disruption Disruption `json:"disruption"`

	// hibernate stops all nodes and keeps their data; set back, the chain goes on.
	// +optional
	// +kubebuilder:default=false
	Hibernate bool `json:"hibernate"`

	// paused makes the operator leave the network's objects as they are. The chain
	// itself goes on.
	// +optional
	// +kubebuilder:default=false
	Paused bool `json:"paused"`

	// template is what the pods of the validators have beside the node itself.
	// +optional
	// +kubebuilder:default={}
	Template NodeTemplate `json:"template"`
}

// Validator is a node with a key and a stake, or several alike.
type Validator struct {
	// name of the validator, a DNS label of at most 24 characters, so that the pods'
	// names keep within what Kubernetes allows.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a validator's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning and ending with a letter or digit"
	Name string `json:"name"`

	// stake of the validator (of each replica), a whole number of tokens: its weight
	// in the draw and in the quorum.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	Stake int64 `json:"stake"`

	// replicas makes this several validators, NAME-0 to NAME-(replicas-1), each with
	// a key and the stake of its own. Left out, it is one, called NAME.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// builder sets what this validator does otherwise than spec.builder says; what
	// is left out here holds as there.
	// +optional
	Builder *BuilderOverride `json:"builder,omitempty"`
}

// Builder is a builder rule and the limits of a candidate block.
type Builder struct {
	// when is a CEL expression over pool.size, pool.bytes, pool.span, pool.age, idle
	// and height; true means: make a candidate block now.
	// +optional
	// +kubebuilder:default="pool.size >= 3 || idle >= duration('10s')"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	When string `json:"when,omitempty"`

	// interval at which the rule is evaluated, beside every change of the pool;
	// 10ms to 1h.
	// +optional
	// +kubebuilder:default="3s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(us|µs|ms|s|m|h))+$') && duration(self) >= duration('10ms') && duration(self) <= duration('1h')",message="interval must be a duration from 10ms to 1h, such as 500ms or 3s"
	Interval metav1.Duration `json:"interval,omitzero"`

	// maxRecords is the most records of a candidate block.
	// +optional
	// +kubebuilder:default=20000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50000
	MaxRecords int64 `json:"maxRecords,omitempty"`

	// maxBytes is the most bytes of a candidate block's records, in their canonical
	// encoding.
	// +optional
	// +kubebuilder:default=4194304
	// +kubebuilder:validation:Minimum=256
	// +kubebuilder:validation:Maximum=8388608
	MaxBytes int64 `json:"maxBytes,omitempty"`
}

// BuilderOverride is a Builder of which each field may be left out.
type BuilderOverride struct {
	// when is the rule of this validator, in place of spec.builder.when.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	When string `json:"when,omitempty"`

	// interval in place of spec.builder.interval; 10ms to 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(us|µs|ms|s|m|h))+$') && duration(self) >= duration('10ms') && duration(self) <= duration('1h')",message="interval must be a duration from 10ms to 1h, such as 500ms or 3s"
	Interval metav1.Duration `json:"interval,omitzero"`

	// maxRecords in place of spec.builder.maxRecords.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50000
	MaxRecords int64 `json:"maxRecords,omitempty"`

	// maxBytes in place of spec.builder.maxBytes.
	// +optional
	// +kubebuilder:validation:Minimum=256
	// +kubebuilder:validation:Maximum=8388608
	MaxBytes int64 `json:"maxBytes,omitempty"`
}

// Consensus is the pace of the agreement on blocks.
type Consensus struct {
	// minBlockInterval passes at least between two commits; 0s to 1h.
	// +optional
	// +kubebuilder:default="1s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(us|µs|ms|s|m|h))+$') && duration(self) <= duration('1h')",message="minBlockInterval must be a duration from 0s to 1h, such as 0s, 250ms or 1s"
	MinBlockInterval metav1.Duration `json:"minBlockInterval"`

	// proposeTimeout is how long the others wait in round 0 for the drawn validator's
	// block; later rounds wait longer. 10ms to 10m.
	// +optional
	// +kubebuilder:default="3s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(us|µs|ms|s|m|h))+$') && duration(self) >= duration('10ms') && duration(self) <= duration('10m')",message="proposeTimeout must be a duration from 10ms to 10m, such as 500ms or 3s"
	ProposeTimeout metav1.Duration `json:"proposeTimeout,omitzero"`
}

// Ledger is what the chain starts with and what it pays out.
//
// +kubebuilder:validation:XValidation:rule="self.openAccounts || !has(self.accounts) || self.accounts.all(a, size(a.account) == 64)",fieldPath=".accounts",message="an open account (a UUID) can be spent from by anybody, and is allowed only where ledger.openAccounts is true; a keyed account is an ed25519 public key of 64 hex digits"
type Ledger struct {
	// openAccounts allows accounts that have no key (UUIDs): anybody may spend from
	// them. For classrooms.
	// +optional
	// +kubebuilder:default=false
	OpenAccounts bool `json:"openAccounts"`

	// blockReward is minted to the winner of each block.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	BlockReward int64 `json:"blockReward"`

	// accounts that hold tokens from the start; each once, with at most
	// 9007199254740991 (2^53 - 1) tokens together.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=250
	// +kubebuilder:validation:XValidation:rule="self.map(a, a.balance).sum() <= 9007199254740991",message="the balances of all accounts together are more than 9007199254740991 (2^53 - 1), which is the most allowed"
	// +kubebuilder:validation:XValidation:rule="[self.map(a, a.account.lowerAscii())].all(ids, ids.all(id, ids.indexOf(id) == ids.lastIndexOf(id)))",messageExpression="'the account ' + [self.map(a, a.account.lowerAscii())].map(ids, ids.filter(id, ids.indexOf(id) != ids.lastIndexOf(id)))[0][0] + ' is there more than once; each account is allowed once, upper and lower case being the same'",message="an account is there more than once; each is allowed once, upper and lower case being the same"
	Accounts []AccountBalance `json:"accounts,omitempty"`
}

// AccountBalance is what an account holds from the start.
type AccountBalance struct {
	// account that holds the tokens: 64 hex digits of an ed25519 public key, or,
	// where openAccounts is true, a UUID.
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9a-fA-F]{64}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$')",message="an account is an ed25519 public key (64 hex digits) or, where ledger.openAccounts is true, a UUID (8-4-4-4-12 hex digits)"
	// +kubebuilder:validation:XValidation:rule="self != '00000000-0000-0000-0000-000000000000'",message="the account 00000000-0000-0000-0000-000000000000 is GENESIS, which mints and holds nothing; give any other account"
	Account string `json:"account"`

	// balance that the account starts with, a whole number of tokens.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	Balance int64 `json:"balance"`
}

// Faucet lets anybody mint tokens.
type Faucet struct {
	// enabled says whether a transfer from GENESIS is accepted.
	// +optional
	// +kubebuilder:default=true
	Enabled bool `json:"enabled"`

	// maxAmount is the most that one such transfer may mint.
	// +optional
	// +kubebuilder:default=1000000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	MaxAmount int64 `json:"maxAmount,omitempty"`
}

// Console is the line console of the nodes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.guests) || !self.guests || (has(self.enabled) && self.enabled)",fieldPath=".guests",message="guests come in by the console: console.guests needs console.enabled to be true"
type Console struct {
	// enabled opens the console.
	// +optional
	// +kubebuilder:default=false
	Enabled bool `json:"enabled"`

	// guests lets people on the console take part in the draw.
	// +optional
	// +kubebuilder:default=false
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="guests is part of the genesis, which never changes; to change it, make a new network"
	Guests bool `json:"guests"`

	// maxGuests is the most guests in the draw at a time.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="maxGuests is part of the genesis, which never changes; to change it, make a new network"
	MaxGuests int32 `json:"maxGuests,omitempty"`

	// maxBalance is the most tokens that a guest may weigh.
	// +optional
	// +kubebuilder:default=1000000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="maxBalance is part of the genesis, which never changes; to change it, make a new network"
	MaxBalance int64 `json:"maxBalance,omitempty"`
}

// Storage is the volume of each validator.
//
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",fieldPath=".storageClassName",message="storageClassName is that of volumes that are there already, and never changes; to change it, make a new network"
type Storage struct {
	// size of the volume, at least 64Mi. It does not change while the network lives:
	// Kubernetes changes no volume claim that a StatefulSet made.
	// +optional
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) == 0",message="size is that of volumes that are there already, and never changes; to change it, make a new network"
	// +kubebuilder:validation:XValidation:rule="isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('64Mi')) >= 0",message="size must be a quantity of at least 64Mi, such as 1Gi"
	Size resource.Quantity `json:"size,omitzero"`

	// storageClassName of the volume; by default the cluster's own. It does not
	// change while the network lives.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// keepBlocks is how many of its newest blocks each node keeps at least; 0, the
	// default, keeps all. Older ones are deleted, and a node that lacks them goes on
	// from a snapshot of the state that other nodes serve, and has at first only the
	// blocks above it: nobody can then verify the chain from its genesis on, unless
	// some node keeps all. At least 1000, so that a
	// node that was away for some minutes finds what it missed. More than is deleted
	// already does not come back.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	// +kubebuilder:validation:XValidation:rule="self == 0 || self >= 1000",message="keepBlocks must be 0, which keeps all blocks, or at least 1000"
	KeepBlocks int64 `json:"keepBlocks,omitempty"`

	// whenDeleted says what becomes of the volumes with the network: Retain keeps
	// them, Delete deletes them.
	// +optional
	// +kubebuilder:default=Retain
	WhenDeleted DeletionPolicy `json:"whenDeleted,omitempty"`
}

// DeletionPolicy says what becomes of a network's volumes when it is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

// The policies for volumes.
const (
	// RetainVolumes keeps the volumes: a network of the same name goes on from them.
	RetainVolumes DeletionPolicy = "Retain"

	// DeleteVolumes deletes the volumes, and with them the chain.
	DeleteVolumes DeletionPolicy = "Delete"
)

// Disruption says what voluntary changes (rollout, resize, eviction) may cost.
type Disruption struct {
	// allowQuorumLoss lets them pause the chain where that cannot be avoided, which
	// is where one validator holds a third of the stake or more. Nothing is lost.
	// +optional
	// +kubebuilder:default=true
	AllowQuorumLoss bool `json:"allowQuorumLoss"`
}
