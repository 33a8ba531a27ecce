//go:build e2e

package e2e

import (
	"maps"
	"strings"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
)

// ruleStory: what cannot be is refused at once, with words that say why, and leaves
// what runs alone.
func ruleStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before, generation := n.lives(t), n.get(t).Generation
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PosNetworkSpec)
		words  []string
	}{
		"a rule that does not compile": {
			func(s *v1alpha1.PosNetworkSpec) { s.Builder.When = "pool.size >= three" },
			[]string{"spec.builder.when", "three", "14"}, // the column
		},
		"a validator's rule that does not compile": {
			func(s *v1alpha1.PosNetworkSpec) {
				s.Validators[1].Builder = &v1alpha1.BuilderOverride{When: "height"}
			},
			[]string{"spec.validators[1].builder.when"},
		},
		"a genesis that changes": {
			func(s *v1alpha1.PosNetworkSpec) { s.Ledger.OpenAccounts = true },
			[]string{"ledger is part of the genesis"},
		},
		"two of a name": {
			func(s *v1alpha1.PosNetworkSpec) { s.Validators[1].Name = s.Validators[0].Name },
			[]string{"spec.validators[1]", "Duplicate"},
		},
	} {
		now := n.get(t)
		tt.change(&now.Spec)
		err := n.kube.Update(t.Context(), now)
		if err == nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		for _, word := range tt.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s is refused without %q: %v", name, word, err)
			}
		}
	}
	if now := n.get(t).Generation; now != generation {
		t.Errorf("the spec has generation %d, had %d", now, generation)
	}
	n.goesOn(t, "alice", 2)
	n.sameLives(t, before)
}

// sameLives checks that no pod was replaced or started anew.
func (n *network) sameLives(t *testing.T, before map[string]string) {
	t.Helper()
	if now := n.lives(t); !maps.Equal(now, before) {
		t.Errorf("pods were replaced or restarted: %v, before %v", now, before)
	}
}
