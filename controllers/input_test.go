package controllers_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	testkube "github.com/posnet/posnet/test/kube"
)

const one = "  validators: [{name: alice, stake: 1}]\n"

// What the API server refuses, and in which words.
func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := testkube.Shared()
	r := &rig{t: t, client: c.Client, namespace: c.Namespace(t)}
	for name, tt := range map[string]struct{ network, spec, want string }{
		"no validators":           {"alpha", "  validators: []\n", "spec.validators: Invalid value"},
		"two alices":              {"alpha", "  validators: [{name: alice, stake: 1}, {name: alice, stake: 2}]\n", "duplicate entries"},
		"a replica's name":        {"alpha", "  validators: [{name: a, stake: 1, replicas: 2}, {name: a-1, stake: 2}]\n", "the name a-1 is also that of a replica of another validator"},
		"too many":                {"alpha", "  validators: [{name: a, stake: 1, replicas: 60}, {name: b, stake: 1, replicas: 41}]\n", "there are more than 100 validators, counting replicas"},
		"no stake":                {"alpha", "  validators: [{name: alice, stake: 0}]\n", "should be greater than or equal to 1"},
		"too much stake":          {"alpha", "  validators: [{name: alice, stake: 9007199254740992}]\n", "should be less than or equal to 9007199254740991"},
		"too much together":       {"alpha", "  validators: [{name: a, stake: 9007199254740991}, {name: b, stake: 1}]\n", "the stakes of all validators together, counting replicas, are more than 9007199254740991"},
		"a stake that is text":    {"alpha", "  validators: [{name: alice, stake: lots}]\n", "stake: expected numeric (int or float), got string"},
		"a validator's bad name":  {"alpha", "  validators: [{name: Alice, stake: 1}]\n", "a validator's name is a DNS label of at most 24 characters"},
		"a validator's long name": {"alpha", "  validators: [{name: abcdefghijklmnopqrstuvwxy, stake: 1}]\n", "Too long"},
		"a long name":             {"abcdefghijklmnopqrstuvwxy", one, "a network's name is a DNS label of at most 24 characters"},
		"a name with a dot":       {"al.pha", one, "a network's name is a DNS label of at most 24 characters"},
		"no replicas":             {"alpha", "  validators: [{name: alice, stake: 1, replicas: 0}]\n", "replicas: Invalid value"},
		"an interval too short":   {"alpha", one + "  builder: {interval: 1ms}\n", "interval must be a duration from 10ms to 1h"},
		"no interval":             {"alpha", one + "  builder: {interval: often}\n", "interval must be a duration"},
		"too many records":        {"alpha", one + "  builder: {maxRecords: 50001}\n", "less than or equal to 50000"},
		"too few bytes":           {"alpha", one + "  builder: {maxBytes: 1}\n", "greater than or equal to 256"},
		"a pause too long":        {"alpha", one + "  consensus: {minBlockInterval: 2h}\n", "minBlockInterval must be a duration from 0s to 1h"},
		"a timeout too short":     {"alpha", one + "  consensus: {proposeTimeout: 1ms}\n", "proposeTimeout must be a duration from 10ms to 10m"},
		"an open account":         {"alpha", one + "  ledger: {accounts: [{account: bc70b89d-4521-454c-bebc-6c2456074bf2, balance: 1}]}\n", "an open account (a UUID) can be spent from by anybody"},
		"no account":              {"alpha", one + "  ledger: {openAccounts: true, accounts: [{account: alice, balance: 1}]}\n", "an account is an ed25519 public key"},
		"no balance":              {"alpha", one + "  ledger: {openAccounts: true, accounts: [{account: bc70b89d-4521-454c-bebc-6c2456074bf2, balance: 0}]}\n", "greater than or equal to 1"},
		"a negative reward":       {"alpha", one + "  ledger: {blockReward: -1}\n", "greater than or equal to 0"},
		"guests and no console":   {"alpha", one + "  console: {guests: true}\n", "console.guests needs console.enabled to be true"},
		"too many guests":         {"alpha", one + "  console: {maxGuests: 1001}\n", "less than or equal to 1000"},
		"few blocks":              {"alpha", one + "  storage: {keepBlocks: 999}\n", "keepBlocks must be 0, which keeps all blocks, or at least 1000"},
		"a small volume":          {"alpha", one + "  storage: {size: 1Mi}\n", "size must be a quantity of at least 64Mi"},
		"another policy":          {"alpha", one + "  storage: {whenDeleted: Perhaps}\n", "supported values: \"Retain\", \"Delete\""},
		"no image":                {"alpha", one + "  image: \"\"\n", "should be at least 1 chars long"},
		"text for a switch":       {"alpha", one + "  hibernate: maybe\n", "hibernate"},
	} {
		t.Run(name, func(t *testing.T) {
			err := r.tryApply(tt.network, tt.spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// What a network cannot change is refused, in words that say so.
func TestEditsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := testkube.Shared()
	r := &rig{t: t, client: c.Client, namespace: c.Namespace(t)}
	const anew = "never changes; to change it, make a new network"
	spec := one + "  storage: {storageClassName: slow}\n"
	r.apply("alpha", spec)
	for name, edit := range map[string]func(*v1alpha1.PosNetworkSpec){
		"storage class": func(s *v1alpha1.PosNetworkSpec) { *s.Storage.StorageClassName = "fast" },
		"no class":      func(s *v1alpha1.PosNetworkSpec) { s.Storage.StorageClassName = nil },
		"size":          func(s *v1alpha1.PosNetworkSpec) { s.Storage.Size.Add(s.Storage.Size) },
		"open accounts": func(s *v1alpha1.PosNetworkSpec) { s.Ledger.OpenAccounts = true },
		"reward":        func(s *v1alpha1.PosNetworkSpec) { s.Ledger.BlockReward = 2 },
		"accounts": func(s *v1alpha1.PosNetworkSpec) {
			s.Ledger.Accounts = []v1alpha1.AccountBalance{{Account: strings.Repeat("ab", 32), Balance: 1}}
		},
		"faucet":         func(s *v1alpha1.PosNetworkSpec) { s.Faucet.Enabled = false },
		"guests":         func(s *v1alpha1.PosNetworkSpec) { s.Console.Enabled, s.Console.Guests = true, true },
		"guests' number": func(s *v1alpha1.PosNetworkSpec) { s.Console.MaxGuests = 5 },
	} {
		t.Run(name, func(t *testing.T) {
			n := r.get("alpha")
			was := n.DeepCopy()
			edit(&n.Spec)
			err := r.client.Patch(t.Context(), n, client.MergeFrom(was))
			if err == nil || !strings.Contains(err.Error(), anew) {
				t.Errorf("got %v, want an error with %q", err, anew)
			}
		})
	}
}

// A field that nobody knows is a warning, and no more.
func TestUnknownFieldsAreWarnedOf(t *testing.T) {
	t.Parallel()
	shared := testkube.Shared()
	config := rest.CopyConfig(shared.Config)
	w := &warnings{}
	config.WarningHandlerWithContext = w
	c, err := client.New(config, client.Options{Scheme: shared.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	u := manifest(t, shared.Namespace(t), "alpha", one+"  validator: []\n")
	if err := c.Create(t.Context(), u, client.FieldValidation("Warn")); err != nil {
		t.Fatal(err)
	}
	if said := w.take(); len(said) != 1 || said[0] != `unknown field "spec.validator"` {
		t.Errorf("the warnings are %q", said)
	}
}

type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said
}
