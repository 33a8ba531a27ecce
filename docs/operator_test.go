package docs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

var objectRow = regexp.MustCompile("(?m)^\\| ([A-Z][A-Za-z]+) \\| `([^`]+)` \\|")

// TestObjects holds the table of operator.md against what is made of a network
// with a light and a heavy validator.
func TestObjects(t *testing.T) {
	text, err := os.ReadFile("operator.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range objectRow.FindAllStringSubmatch(string(text), -1) {
		told = append(told, row[1]+" "+row[2])
	}
	made := objects(t)
	slices.Sort(told)
	if !slices.Equal(told, made) {
		t.Errorf("operator.md tells of\n%s\nand made are\n%s", strings.Join(told, "\n"), strings.Join(made, "\n"))
	}
}

// objects are those made of a network, each once as kind and name, with N for the
// network's name and V for a validator's.
func objects(t *testing.T) []string {
	t.Helper()
	n, err := manifest.Read("test", strings.NewReader("apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: nnn}\n"+
		"spec: {validators: [{name: vvv, stake: 9}, {name: www, stake: 1}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	authority := types.GenerateKey()
	in := plan.Input{Name: n.Name, Spec: &n.Spec, Keys: map[string]plan.Keys{}, Authority: authority.Public()}
	keys, signing := map[string]config.Keys{}, map[string]types.PublicKey{}
	var shares []rollout.Share
	for _, v := range plan.Validators(&n.Spec) {
		k := config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
		keys[v.Name], signing[v.Name] = k, k.Sign.Public()
		in.Keys[v.Name] = plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
		shares = append(shares, rollout.NewShare(v.Name, v.Stake))
	}
	in.Sites = kube.Sites(n, signing)
	topology, err := plan.New(in)
	if err != nil {
		t.Fatal(err)
	}
	made, err := kube.New(kube.Input{
		Network: n, Topology: topology, Genesis: topology.Genesis, Keys: keys, Authority: authority, Image: "node", Budget: rollout.NewBudget(shares),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range made.All() {
		name := strings.NewReplacer("nnn", "N", "vvv", "V", "www", "V").Replace(o.GetName())
		out = append(out, o.GetObjectKind().GroupVersionKind().Kind+" "+name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
