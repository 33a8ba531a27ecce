package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

const head = "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: alpha}\nspec:\n"

// The schema's bounds are those that the node is held to.
func TestBoundsAreTheNodes(t *testing.T) {
	for path, want := range map[string]float64{
		"spec.validators[0].stake":              float64(types.MaxAmount),
		"spec.ledger.accounts[0].balance":       float64(types.MaxAmount),
		"spec.ledger.blockReward":               float64(types.MaxAmount),
		"spec.faucet.maxAmount":                 float64(types.MaxAmount),
		"spec.console.maxBalance":               float64(types.MaxAmount),
		"spec.validators[0].replicas":           types.MaxValidators,
		"spec.builder.maxRecords":               types.MaxBlockRecords,
		"spec.builder.maxBytes":                 types.MaxBlockBytes,
		"spec.validators[0].builder.maxRecords": types.MaxBlockRecords,
		"spec.validators[0].builder.maxBytes":   types.MaxBlockBytes,
	} {
		if got := *lookup(loadRules().structural, path).ValueValidation.Maximum; got != want {
			t.Errorf("%s is at most %v in the schema, %v in a node", path, got, want)
		}
	}
	if got := *lookup(loadRules().structural, "spec.validators").ValueValidation.MaxItems; got != types.MaxValidators {
		t.Errorf("at most %d validators in the schema, %d in a node", got, types.MaxValidators)
	}
	if got := *lookup(loadRules().structural, "spec.builder.maxBytes").ValueValidation.Minimum; got != types.MaxRecordBytes {
		t.Errorf("maxBytes is at least %v in the schema, a record has up to %d", got, types.MaxRecordBytes)
	}
}

// What the genesis holds cannot be changed on a living network; all else can.
func TestTransitions(t *testing.T) {
	const base = "  validators: [{name: alice, stake: 1}]\n"
	before := mustCheck(t, head+base+"  ledger: {openAccounts: true}\n  console: {enabled: true}\n")
	for text, want := range map[string]string{
		base + "  ledger: {openAccounts: true}\n  console: {enabled: true}\n":                                 "",
		base + "  ledger: {openAccounts: true}\n  console: {enabled: false}\n  builder: {when: 'idle > 1'}\n": "",
		"  validators: [{name: bob, stake: 2}]\n  ledger: {openAccounts: true}\n  hibernate: true\n":          "",
		base: "spec.ledger",
		base + "  ledger: {openAccounts: true, blockReward: 2}\n":                               "spec.ledger",
		base + "  ledger: {openAccounts: true}\n  faucet: {enabled: false}\n":                   "spec.faucet",
		base + "  ledger: {openAccounts: true}\n  console: {enabled: true, guests: true}\n":     "spec.console.guests",
		base + "  ledger: {openAccounts: true}\n  console: {enabled: true, maxGuests: 3}\n":     "spec.console.maxGuests",
		base + "  ledger: {openAccounts: true}\n  console: {enabled: true, maxBalance: 3000}\n": "spec.console.maxBalance",
	} {
		r := loadRules()
		errs, _ := r.cel.Validate(context.Background(), nil, r.structural, mustCheck(t, head+text), before, celconfig.RuntimeCELCostBudget)
		switch {
		case want == "" && len(errs) > 0:
			t.Errorf("%s: refused: %v", text, errs)
		case want != "" && (len(errs) != 1 || errs[0].Field != want || !strings.Contains(errs[0].Detail, "never changes")):
			t.Errorf("%s: got %v, want one error at %s", text, errs, want)
		}
	}
}

func mustCheck(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := check(doc); err != nil {
		t.Fatal(err)
	}
	return doc.object
}

// The largest manifests keep within what an API server spends on one rule and
// on all of an object, right or wrong.
func TestCostOfTheLargest(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "  ledger:\n    accounts:\n")
	for i := range 250 {
		fmt.Fprintf(&b, "    - {account: \"%064x\", balance: 1}\n", i)
	}
	b.WriteString("  validators:\n")
	long := strings.Repeat("a", 20)
	for i := range 50 {
		fmt.Fprintf(&b, "  - {name: %s%02d, stake: 1, replicas: 1, builder: {when: 'true', interval: 1h0m0s}}\n", long, i)
		fmt.Fprintf(&b, "  - {name: %s%02d-1, stake: 1, builder: {when: 'true', interval: 1h0m0s}}\n", long[2:], i)
	}
	right := b.String()
	if _, err := Read("m.yaml", strings.NewReader(right)); err != nil {
		t.Error(err)
	}
	wrong := strings.ReplaceAll(right, strings.Repeat("0", 61), strings.Repeat("0", 58)+"eEe")
	wrong = strings.Replace(wrong, "0eEe0f9", "0eEE0F8", 1)
	_, err := Read("m.yaml", strings.NewReader(wrong))
	var e *Error
	if !errors.As(err, &e) || len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Message, "eee0f8 is there more than once") {
		t.Errorf("got %v, want a duplicate", err)
	}
}

// Names are refused where two validators would share one once replicas are
// spread out, and only there; the other way to tell is to spread them out.
func TestNamesAreUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"a", "a-0", "a-1", "a-01", "a-10", "a-0-0", "a-0-1", "a-1-0", "a-", "b", "b-0", "a-9", "a0",
		}), 1, 6, rapid.ID).Draw(t, "names")
		names = slices.DeleteFunc(names, func(n string) bool { return n == "a-" })
		if len(names) == 0 {
			return
		}
		var text strings.Builder
		seen, clash := map[string]bool{}, false
		take := func(name string) { clash, seen[name] = clash || seen[name], true }
		for _, name := range names {
			replicas := rapid.IntRange(0, 11).Draw(t, "replicas of "+name) // 0: left out
			if replicas == 0 {
				fmt.Fprintf(&text, "  - {name: %s, stake: 1}\n", name)
				take(name)
				continue
			}
			fmt.Fprintf(&text, "  - {name: %s, stake: 1, replicas: %d}\n", name, replicas)
			for i := range replicas {
				take(fmt.Sprintf("%s-%d", name, i))
			}
		}
		_, err := Read("m.yaml", strings.NewReader(head+"  validators:\n"+text.String()))
		if refused := err != nil; refused != clash {
			t.Fatalf("clash: %v, refused: %v\n%s", clash, err, text.String())
		}
	})
}
