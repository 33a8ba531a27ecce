package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzRead reads arbitrary text as a manifest: it is read or refused, each line
// of what is wrong is a sentence, and an alias makes no more of a file than a
// manifest may have.
func FuzzRead(f *testing.F) {
	f.Add(head + "  validators: [{name: alice, stake: 1}]\n")
	f.Add(head + "  validators: [{name: alice, stake: 1.5, builder: {interval: 9h}}]\n  ledger: []\n")
	f.Add("apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: [x]\nspec: {validators: {0: [&a {b: *a}]}}\n")
	f.Add("? [a]\n: !!binary x\n<<: {kind: PosNetwork}\n")
	f.Add(head + "  image: [&a " + strings.Repeat("x", 999) + strings.Repeat(", *a", 999) + "]\n")
	loadRules() // once for all
	f.Fuzz(func(t *testing.T, text string) {
		// What the schema's own code takes is in proportion to the whole object, several
		// times: fields that are not there as well.
		fuzzed.Within(t, 8<<20+uint64(1000*len(text)), func() {
			network, err := Read("m.yaml", strings.NewReader(text))
			if (network == nil) == (err == nil) {
				t.Fatalf("got %v and %v", network, err)
			}
			if err != nil {
				for line := range strings.Lines(err.Error()) {
					fuzzed.Sentence(t, errors.New(strings.TrimSuffix(line, "\n")))
				}
			}
		})
	})
}
