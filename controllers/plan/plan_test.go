package plan_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

func ptr[T any](v T) *T { return &v }

// spec is a defaulted spec of one validator, as the schema would fill it in.
func spec(change func(*v1alpha1.PosNetworkSpec)) *v1alpha1.PosNetworkSpec {
	s := &v1alpha1.PosNetworkSpec{
		Validators: []v1alpha1.Validator{{Name: "alice", Stake: 100}},
		Builder: v1alpha1.Builder{
			When: "pool.size >= 3", Interval: metav1.Duration{Duration: 3 * time.Second}, MaxRecords: 20000, MaxBytes: 4 << 20,
		},
		Consensus: v1alpha1.Consensus{
			MinBlockInterval: metav1.Duration{Duration: time.Second}, ProposeTimeout: metav1.Duration{Duration: 3 * time.Second},
		},
		Ledger:  v1alpha1.Ledger{BlockReward: 1},
		Faucet:  v1alpha1.Faucet{Enabled: true, MaxAmount: 1000},
		Console: v1alpha1.Console{MaxGuests: 100, MaxBalance: 500},
	}
	if change != nil {
		change(s)
	}
	return s
}

// input gives every validator of the spec keys that grow from its name, and
// ports that grow from its place.
func input(s *v1alpha1.PosNetworkSpec, departing ...string) plan.Input {
	in := plan.Input{
		Name: "alpha", Spec: s, Departing: departing,
		Keys: map[string]plan.Keys{}, Sites: map[string]plan.Site{},
		Authority: key("authority"), Time: types.Time(1_700_000_000_500_000_000), Nonce: types.SumHash([]byte("nonce")),
	}
	for i, name := range append(plan.Names(s), departing...) {
		in.Keys[name] = plan.Keys{Sign: key(name), VRF: key(name + "/vrf")}
		port := string(rune('a' + i))
		in.Sites[name] = plan.Site{Listen: config.Listen{P2P: "127.0.0.1:" + port, API: "127.0.0.1:9" + port}, Dial: name + ".example:9200", DataDir: "data"}
	}
	return in
}

func key(name string) types.PublicKey {
	return types.NewPrivateKey(types.SumHash([]byte(name))).Public()
}

func TestValidatorsSpreadsReplicasOut(t *testing.T) {
	s := spec(func(s *v1alpha1.PosNetworkSpec) {
		s.Validators = []v1alpha1.Validator{
			{Name: "alice", Stake: 100},
			{Name: "small", Stake: 10, Replicas: ptr[int32](3), Builder: &v1alpha1.BuilderOverride{When: "idle >= duration('1m')"}},
			{Name: "one", Stake: 7, Replicas: ptr[int32](1)},
			{Name: "bob", Stake: 50, Builder: &v1alpha1.BuilderOverride{Interval: metav1.Duration{Duration: time.Second}, MaxRecords: 5, MaxBytes: 5000}},
		}
	})
	want := []plan.Validator{
		{Name: "alice", Stake: 100, RuleFrom: "spec.builder.when"},
		{Name: "small-0", Stake: 10, RuleFrom: "spec.validators[1].builder.when"},
		{Name: "small-1", Stake: 10, RuleFrom: "spec.validators[1].builder.when"},
		{Name: "small-2", Stake: 10, RuleFrom: "spec.validators[1].builder.when"},
		{Name: "one-0", Stake: 7, RuleFrom: "spec.builder.when"},
		{Name: "bob", Stake: 50, RuleFrom: "spec.builder.when"},
	}
	all := config.Builder{When: "pool.size >= 3", Interval: config.Duration(3 * time.Second), MaxRecords: 20000, MaxBytes: 4 << 20}
	for i := range want {
		want[i].Builder = all
		if strings.HasPrefix(want[i].Name, "small") {
			want[i].Builder.When = "idle >= duration('1m')"
		}
	}
	want[5].Builder = config.Builder{When: "pool.size >= 3", Interval: config.Duration(time.Second), MaxRecords: 5, MaxBytes: 5000}

	got := plan.Validators(s)
	if len(got) != len(want) {
		t.Fatalf("%d validators, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("validator %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
	if names := strings.Join(plan.Names(s), " "); names != "alice small-0 small-1 small-2 one-0 bob" {
		t.Errorf("names: %s", names)
	}
}

func TestTopologyIsTheSameEachTime(t *testing.T) {
	s := spec(func(s *v1alpha1.PosNetworkSpec) { s.Validators[0].Replicas = ptr[int32](20) })
	first := encode(t, input(s))
	for range 5 {
		if again := encode(t, input(s)); again != first {
			t.Fatalf("the same input gave another topology:\n%s\nand\n%s", first, again)
		}
	}
}

// How many blocks are kept is every node's own matter, and a network without a
// wish has the config it always had.
func TestKeepBlocks(t *testing.T) {
	for keep, want := range map[int64]int{0: 0, 5000: 1} {
		topology, err := plan.New(input(spec(func(s *v1alpha1.PosNetworkSpec) { s.Storage.KeepBlocks = keep })))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range topology.Nodes {
			if got := strings.Count(string(n.Config.Encode()), `"keepBlocks"`); n.Config.Storage.KeepBlocks != uint64(keep) || got != want {
				t.Errorf("%s keeps %d of %d blocks", n.Name, n.Config.Storage.KeepBlocks, keep)
			}
		}
	}
}

// encode is a topology as text: the files its nodes would start from.
func encode(t *testing.T, in plan.Input) string {
	t.Helper()
	topology, err := plan.New(in)
	if err != nil {
		t.Fatal(err)
	}
	text := "-- genesis.json --\n" + string(topology.Genesis.Encode())
	for _, n := range topology.Nodes {
		text += "-- " + n.Name + "/config.json --\n" + string(n.Config.Encode())
	}
	return text
}

func TestTopologyRefusesWhatIsMissing(t *testing.T) {
	tests := []struct {
		name string
		in   func() plan.Input
		want string
	}{
		{"no keys", func() plan.Input { in := input(spec(nil)); delete(in.Keys, "alice"); return in }, "validator alice has no keys"},
		{"no site", func() plan.Input { in := input(spec(nil)); delete(in.Sites, "alice"); return in }, "validator alice has no site"},
		{"no authority", func() plan.Input { in := input(spec(nil)); in.Authority = types.PublicKey{}; return in }, "authority is missing"},
		{"a rule too large", func() plan.Input {
			return input(spec(func(s *v1alpha1.PosNetworkSpec) { s.Builder.MaxRecords = types.MaxBlockRecords + 1 }))
		}, "validator alice: config: builder.maxRecords is 50001: it must be 1 to 50000"},
		{"an open account where there are none", func() plan.Input {
			return input(spec(func(s *v1alpha1.PosNetworkSpec) {
				s.Ledger.Accounts = []v1alpha1.AccountBalance{{Account: "bc70b89d-4521-454c-bebc-6c2456074bf2", Balance: 1}}
			}))
		}, "is an open account: they need params.openAccounts"},
		{"no account at all", func() plan.Input {
			return input(spec(func(s *v1alpha1.PosNetworkSpec) {
				s.Ledger.Accounts = []v1alpha1.AccountBalance{{Account: "alice", Balance: 1}}
			}))
		}, `spec.ledger.accounts[0].account: "alice" is no account`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topology, err := plan.New(tt.in())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v (topology %v), want one with %q", err, topology, tt.want)
			}
		})
	}
}

func TestDepartingRunOnOutsideTheGenesis(t *testing.T) {
	topology, err := plan.New(input(spec(nil), "mallory"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topology.Genesis.Validators); n != 1 {
		t.Errorf("%d validators in the genesis, want alice alone", n)
	}
	last := topology.Nodes[1]
	if last.Name != "mallory" || last.Stake != 0 || last.Config.Builder.When != "pool.size >= 3" {
		t.Errorf("the departing node is %+v, %+v", last, last.Config)
	}
	if p := topology.Nodes[0].Config.Peers; len(p) != 1 || p[0].Name != "mallory" {
		t.Errorf("alice's peers are %+v, want mallory", p)
	}
}

func TestParamsOfWhatIsOffAreLeftOut(t *testing.T) {
	on := spec(func(s *v1alpha1.PosNetworkSpec) { s.Console.Enabled, s.Console.Guests = true, true })
	topology, err := plan.New(input(on))
	if err != nil {
		t.Fatal(err)
	}
	p := topology.Genesis.Params
	if !p.Faucet || p.FaucetMax != 1000 || !p.Guests || p.MaxGuests != 100 || p.MaxGuestWeight != 500 || p.BlockReward != 1 {
		t.Errorf("params of all that is on: %+v", p)
	}
	off := spec(func(s *v1alpha1.PosNetworkSpec) { s.Faucet.Enabled = false })
	if topology, err = plan.New(input(off)); err != nil {
		t.Fatal(err)
	}
	p = topology.Genesis.Params
	if p.Faucet || p.FaucetMax != 0 || p.Guests || p.MaxGuests != 0 || p.MaxGuestWeight != 0 {
		t.Errorf("params of all that is off: %+v", p)
	}
}
