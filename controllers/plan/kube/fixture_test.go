package kube_test

import (
	"strings"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

func key(name string) types.PrivateKey { return types.NewPrivateKey(types.SumHash([]byte(name))) }

func keys(name string) config.Keys { return config.Keys{Sign: key(name), VRF: key(name + "/vrf")} }

// network reads a manifest, so that defaults are filled in as they are in a
// cluster, and gives it what an API server would.
func network(t testing.TB, text string) *v1alpha1.PosNetwork {
	t.Helper()
	n, err := manifest.Read("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return born(n)
}

func born(n *v1alpha1.PosNetwork) *v1alpha1.PosNetwork {
	n.Namespace, n.UID = "games", "6f1f4a53-9c39-4bd9-8ea1-6b6f8f4a2d10"
	return n
}

// input is what an operator would make of a manifest at the network's birth,
// with validators that are to leave beside.
func input(t testing.TB, n *v1alpha1.PosNetwork, departing ...string) kube.Input {
	t.Helper()
	in := plan.Input{
		Name: n.Name, Spec: &n.Spec, Departing: departing, Keys: map[string]plan.Keys{},
		Authority: key("authority").Public(), Time: 1_700_000_000_500_000_000, Nonce: types.SumHash([]byte("nonce")),
	}
	public, private := map[string]types.PublicKey{}, map[string]config.Keys{}
	for _, name := range append(plan.Names(&n.Spec), departing...) {
		k := keys(name)
		private[name], public[name] = k, k.Sign.Public()
		in.Keys[name] = plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
	}
	in.Sites = kube.Sites(n, public)
	topology, err := plan.New(in)
	if err != nil {
		t.Fatal(err)
	}
	var shares []rollout.Share
	for _, node := range topology.Nodes {
		shares = append(shares, rollout.NewShare(node.Name, node.Stake))
	}
	return kube.Input{
		Network: n, Topology: topology, Genesis: topology.Genesis, Keys: private, Authority: key("authority"),
		Image: "posnet.example/node:v1", Budget: rollout.NewBudget(shares),
	}
}

func objects(t testing.TB, in kube.Input) *kube.Objects {
	t.Helper()
	o, err := kube.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
