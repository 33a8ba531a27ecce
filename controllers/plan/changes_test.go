package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

func TestDifferencesNameTheField(t *testing.T) {
	const rich = "bc70b89d-4521-454c-bebc-6c2456074bf2"
	base := func(s *v1alpha1.PosNetworkSpec) {
		s.Ledger.OpenAccounts = true
		s.Ledger.Accounts = []v1alpha1.AccountBalance{{Account: rich, Balance: 5}}
		s.Console.Enabled, s.Console.Guests = true, true
	}
	tests := []struct {
		name   string
		change func(*v1alpha1.PosNetworkSpec)
		want   string
	}{
		{"nothing", func(*v1alpha1.PosNetworkSpec) {}, ""},
		{"what may change freely", func(s *v1alpha1.PosNetworkSpec) {
			s.Builder.When, s.Consensus.ProposeTimeout.Duration = "true", 1e9
			s.Validators = append(s.Validators, v1alpha1.Validator{Name: "bob", Stake: 3})
		}, ""},
		{"reward", func(s *v1alpha1.PosNetworkSpec) { s.Ledger.BlockReward = 2 }, "spec.ledger.blockReward was 1 and is now 2"},
		{"faucet off", func(s *v1alpha1.PosNetworkSpec) { s.Faucet.Enabled = false }, "spec.faucet.enabled was true and is now false"},
		{"faucet's limit", func(s *v1alpha1.PosNetworkSpec) { s.Faucet.MaxAmount = 7 }, "spec.faucet.maxAmount was 1000 and is now 7"},
		{"guests off", func(s *v1alpha1.PosNetworkSpec) { s.Console.Guests = false }, "spec.console.guests was true and is now false"},
		{"guests' limits", func(s *v1alpha1.PosNetworkSpec) { s.Console.MaxGuests, s.Console.MaxBalance = 1, 2 },
			"spec.console.maxGuests was 100 and is now 1; spec.console.maxBalance was 500 and is now 2"},
		{"open accounts", func(s *v1alpha1.PosNetworkSpec) { s.Ledger.OpenAccounts, s.Ledger.Accounts = false, nil },
			"spec.ledger.openAccounts was true and is now false; spec.ledger.accounts (balance of " + rich + ") was 5 and is now 0"},
		{"a balance", func(s *v1alpha1.PosNetworkSpec) { s.Ledger.Accounts[0].Balance = 6 },
			"spec.ledger.accounts (balance of " + rich + ") was 5 and is now 6"},
		{"upper case is the same account", func(s *v1alpha1.PosNetworkSpec) { s.Ledger.Accounts[0].Account = strings.ToUpper(rich) }, ""},
	}
	was := mustGenesis(t, spec(base))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := spec(func(s *v1alpha1.PosNetworkSpec) { base(s); tt.change(s) })
			differences, err := plan.Differences(was, "alpha", now)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, d := range differences {
				said = append(said, d.String())
			}
			if got := strings.Join(said, "; "); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if d, err := plan.Differences(was, "beta", spec(base)); err != nil || len(d) != 1 || d[0].String() != "metadata.name was alpha and is now beta" {
		t.Errorf("under another name: %v, error %v", d, err)
	}
}

func mustGenesis(t *testing.T, s *v1alpha1.PosNetworkSpec) *genesis.Genesis {
	t.Helper()
	topology, err := plan.New(input(s))
	if err != nil {
		t.Fatal(err)
	}
	return topology.Genesis
}

func TestStakeChangesOrder(t *testing.T) {
	counted := []types.Validator{member("alice", 10), member("bob", 20), member("carol", 30), member("dave", 40)}
	wanted := []genesis.Validator{initial("erin", 5), initial("alice", 11), initial("bob", 20), initial("dave", 1)}
	var said []string
	for _, c := range plan.StakeChanges(counted, wanted) {
		said = append(said, c.String())
	}
	want := "the stake of dave goes from 40 to 1, erin joins with a stake of 5, " +
		"the stake of alice goes from 10 to 11, carol leaves with its stake of 30"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func member(name string, stake uint64) types.Validator {
	return types.Validator{Name: name, Key: key(name), VRFKey: key(name + "/vrf"), Stake: stake}
}

func initial(name string, stake uint64) genesis.Validator {
	return genesis.Validator{Name: name, Key: key(name), VRFKey: key(name + "/vrf"), Stake: stake}
}

// Whatever was counted and whatever is wanted: the records, applied one by one,
// lead there, and never through a set without stake.
func TestStakeChangesLeadThere(t *testing.T) {
	pool := make([]string, 12)
	for i := range pool {
		pool[i] = fmt.Sprintf("v%d", i)
	}
	rapid.Check(t, func(rt *rapid.T) {
		stakes := rapid.MapOfN(rapid.SampledFrom(pool), rapid.Uint64Range(1, 5), 1, len(pool))
		state := stakes.Draw(rt, "counted")
		want := stakes.Draw(rt, "wanted")
		var counted []types.Validator
		var wanted []genesis.Validator
		for _, name := range pool {
			if s := state[name]; s > 0 {
				counted = append(counted, member(name, s))
			}
			if s := want[name]; s > 0 {
				wanted = append(wanted, initial(name, s))
			}
		}
		for _, c := range plan.StakeChanges(counted, wanted) {
			if state[c.Name] != c.Was || c.Was == c.Stake {
				rt.Fatalf("%s goes from %d to %d, and has %d", c.Name, c.Was, c.Stake, state[c.Name])
			}
			if state[c.Name] = c.Stake; c.Stake == 0 {
				delete(state, c.Name)
			}
			if len(state) == 0 {
				rt.Fatalf("no stake is left after %s", c.Name)
			}
		}
		for _, name := range slices.Compact(pool) {
			if state[name] != want[name] {
				rt.Fatalf("%s ends with %d, want %d", name, state[name], want[name])
			}
		}
	})
}

func TestStakeChangeRecord(t *testing.T) {
	authority := types.NewPrivateKey(types.SumHash([]byte("authority")))
	network := types.SumHash([]byte("network"))
	c := plan.StakeChange{Name: "alice", Key: key("alice"), VRFKey: key("alice/vrf"), Was: 3, Stake: 4}
	r := c.Record()
	r.Nonce, r.Time = 7, 1_700_000_000e9
	r.Sign(network, authority)
	if err := r.CheckForm(); err != nil {
		t.Fatal(err)
	}
	_, errs := types.RecordVerifier{Network: network, Authority: authority.Public()}.Verify([]*types.Record{r})
	if errs[0] != nil || r.Nonce != 7 || r.Stake != 4 || r.Name != "alice" {
		t.Errorf("record %+v, error %v", r, errs[0])
	}
}
