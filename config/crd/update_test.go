package crd_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/config/crd"
)

// What cannot change is refused by the schema, in words that say so; what can is
// not. As in an API server, defaults are filled in on both sides.
func TestUpdates(t *testing.T) {
	const never = "part of the genesis, which never changes; to change it, make a new network"
	const volumes = "is that of volumes that are there already, and never changes; to change it, make a new network"
	const key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
	structural := structuralSchema(t)
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	for name, tt := range map[string]struct {
		was, now string // the spec, without validators
		want     string // the error; empty: it is taken
	}{
		"nothing":                 {"", "", ""},
		"what may change":         {"", "builder: {when: 'true'}\nconsensus: {proposeTimeout: 1s}\nimage: x\nhibernate: true\npaused: true\ntemplate: {labels: {a: b}}\ndisruption: {allowQuorumLoss: false}\nconsole: {enabled: true}", ""},
		"what becomes of volumes": {"", "storage: {whenDeleted: Delete}", ""},
		"a default written out":   {"", "storage: {size: 1Gi}\nfaucet: {enabled: true}\nledger: {blockReward: 1}", ""},
		"the size in other words": {"storage: {size: 1Gi}", "storage: {size: 1024Mi}", ""},
		"size":                    {"storage: {size: 1Gi}", "storage: {size: 2Gi}", "spec.storage.size: size " + volumes},
		"size left out":           {"storage: {size: 2Gi}", "", "spec.storage.size: size " + volumes},
		"class":                   {"storage: {storageClassName: fast}", "storage: {storageClassName: slow}", "spec.storage.storageClassName: storageClassName " + volumes},
		"class left out":          {"storage: {storageClassName: fast}", "", "spec.storage.storageClassName: storageClassName " + volumes},
		"class given":             {"", "storage: {storageClassName: fast}", "spec.storage.storageClassName: storageClassName " + volumes},
		"the class of no class":   {"", "storage: {storageClassName: ''}", "spec.storage.storageClassName: storageClassName " + volumes},
		"open accounts":           {"", "ledger: {openAccounts: true}", "spec.ledger: ledger is " + never},
		"an account":              {"", "ledger: {accounts: [{account: " + key + ", balance: 1}]}", "spec.ledger: ledger is " + never},
		"a balance": {"ledger: {accounts: [{account: " + key + ", balance: 1}]}", "ledger: {accounts: [{account: " + key + ", balance: 2}]}",
			"spec.ledger: ledger is " + never},
		"reward":         {"", "ledger: {blockReward: 2}", "spec.ledger: ledger is " + never},
		"faucet":         {"", "faucet: {enabled: false}", "spec.faucet: faucet is " + never},
		"faucet's limit": {"", "faucet: {maxAmount: 1}", "spec.faucet: faucet is " + never},
		"guests":         {"console: {enabled: true}", "console: {enabled: true, guests: true}", "spec.console.guests: guests is " + never},
		"guests' number": {"", "console: {maxGuests: 1}", "spec.console.maxGuests: maxGuests is " + never},
		"guests' weight": {"", "console: {maxBalance: 1}", "spec.console.maxBalance: maxBalance is " + never},
	} {
		t.Run(name, func(t *testing.T) {
			was, now := object(t, structural, tt.was), object(t, structural, tt.now)
			errs, _ := rules.Validate(context.Background(), nil, structural, now, was, celconfig.RuntimeCELCostBudget)
			var said []string
			for _, err := range errs {
				said = append(said, err.Field+": "+err.Detail)
			}
			slices.Sort(said)
			if got := strings.Join(said, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if fresh, _ := rules.Validate(context.Background(), nil, structural, now, nil, celconfig.RuntimeCELCostBudget); len(fresh) > 0 {
				t.Errorf("as a new network: %v", fresh)
			}
		})
	}
}

func structuralSchema(t *testing.T) *schema.Structural {
	t.Helper()
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(crd.PosNetworks), &v1); err != nil {
		t.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	return structural
}

func object(t *testing.T, structural *schema.Structural, spec string) map[string]any {
	t.Helper()
	text := "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: alpha}\nspec:\n  validators: [{name: alice, stake: 1}]\n"
	for _, line := range strings.Split(spec, "\n") {
		text += "  " + line + "\n"
	}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := utiljson.Unmarshal(raw, &o); err != nil { // whole numbers stay whole
		t.Fatal(err)
	}
	defaulting.Default(o, structural)
	return o
}

// The names by which kubectl knows the kind, and the columns it shows.
func TestNames(t *testing.T) {
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(crd.PosNetworks), &v1); err != nil {
		t.Fatal(err)
	}
	n := v1.Spec.Names
	if n.Plural != "posnetworks" || n.Singular != "posnetwork" || !slices.Equal(n.ShortNames, []string{"posnet", "pn"}) || !slices.Equal(n.Categories, []string{"all"}) {
		t.Errorf("names %+v", n)
	}
	var columns []string
	for _, c := range v1.Spec.Versions[0].AdditionalPrinterColumns {
		columns = append(columns, c.Name)
	}
	if got, want := strings.Join(columns, ", "), "Phase, Height, Winner, Validators, Online stake, Age"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}
