package genesis

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

const uuid = "bc70b89d-4521-454c-bebc-6c2456074bf2"

func key(i byte) types.PublicKey { return types.NewPrivateKey([32]byte{i}).Public() }

func example(t testing.TB) *Genesis {
	t.Helper()
	open, err := types.ParseAccount(uuid)
	if err != nil {
		t.Fatal(err)
	}
	return &Genesis{
		Name: "alpha", Time: 1_700_000_000_500_000_000, Nonce: types.SumHash([]byte("nonce")), Authority: key(9),
		Params:     Params{OpenAccounts: true, BlockReward: 1, Faucet: true, FaucetMax: 1000, Guests: true, MaxGuests: 10, MaxGuestWeight: 50},
		Validators: []Validator{{Name: "alice", Key: key(1), VRFKey: key(2), Stake: 100}, {Name: "bob", Key: key(3), VRFKey: key(4), Stake: 50}},
		Accounts:   []Account{{Account: types.KeyedAccount(key(1)), Balance: 5}, {Account: open, Balance: 7}},
	}
}

func TestGenesisComesBack(t *testing.T) {
	g := example(t)
	path := filepath.Join(t.TempDir(), "genesis.json")
	if err := os.WriteFile(path, g.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, g) || !bytes.Equal(got.Encode(), g.Encode()) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

// The id is the same however the file is laid out, and another for any other
// content.
func TestNetwork(t *testing.T) {
	g := example(t)
	var compact, wide bytes.Buffer
	if err := json.Compact(&compact, g.Encode()); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&wide, g.Encode(), "", "\t\t"); err != nil {
		t.Fatal(err)
	}
	reordered := strings.Replace(compact.String(), `{"name":"alpha",`, `{`, 1)
	reordered = strings.TrimSuffix(reordered, "}") + `,"name":"alpha"}`
	for name, text := range map[string]string{
		"compact": compact.String(), "wide": wide.String(), "other line ends": strings.ReplaceAll(wide.String(), "\n", "\r\n"),
		"upper-case digits": strings.ReplaceAll(compact.String(), key(1).String(), strings.ToUpper(key(1).String())), "other order": reordered,
	} {
		got, err := Parse([]byte(text))
		if err != nil || got.Network() != g.Network() {
			t.Errorf("%s: another network, %v", name, err)
		}
	}
	seen := map[types.Hash]string{g.Network(): "unchanged"}
	for name, change := range map[string]func(*Genesis){
		"name": func(g *Genesis) { g.Name += "x" }, "time": func(g *Genesis) { g.Time++ }, "nonce": func(g *Genesis) { g.Nonce[31]++ },
		"authority": func(g *Genesis) { g.Authority[31]++ }, "reward": func(g *Genesis) { g.Params.BlockReward++ },
		"faucet": func(g *Genesis) { g.Params.Faucet = false }, "stake": func(g *Genesis) { g.Validators[0].Stake++ },
		"order of validators": func(g *Genesis) { g.Validators[0], g.Validators[1] = g.Validators[1], g.Validators[0] },
		"balance":             func(g *Genesis) { g.Accounts[0].Balance++ }, "no accounts": func(g *Genesis) { g.Accounts = nil },
	} {
		g := example(t)
		change(g)
		if same, ok := seen[g.Network()]; ok {
			t.Errorf("another %s is the same network as %s", name, same)
		}
		seen[g.Network()] = name
	}
}

// The id of this network must never change: every signature binds it.
func TestNetworkIsKnown(t *testing.T) {
	const want = "13e875af16d2630c16270a10bb9f8b2c1516f4354fedb62133d6584af3e436ce"
	if got := example(t).Network().String(); got != want {
		t.Errorf("the network's id is %s, it was %s: all networks there are would be others", got, want)
	}
}

func TestValidatorSet(t *testing.T) {
	set, err := example(t).ValidatorSet()
	if err != nil || set.Total() != 150 || set.Len() != 2 {
		t.Fatalf("%v, %v", set, err)
	}
	if v, ok := set.ByKey(key(3)); !ok || v != (types.Validator{Name: "bob", Key: key(3), VRFKey: key(4), Stake: 50, DrawFrom: 1}) {
		t.Errorf("bob is %+v", v)
	}
}

func TestBadGenesis(t *testing.T) {
	const sums = "balances are whole numbers from 1, and their sum at most 9007199254740991"
	for _, c := range []struct {
		change func(*Genesis)
		want   string
	}{
		{func(g *Genesis) { g.Name = "" }, "genesis: name is missing"},
		{func(g *Genesis) { g.Authority = types.PublicKey{} }, "genesis: authority is missing: it must be the public key that signs changes of stake"},
		{func(g *Genesis) { g.Validators = nil }, "genesis: validators: 0 validators: a network has 1 to 100"},
		{func(g *Genesis) { g.Validators[1].Name = "alice" }, "genesis: validators: validator alice is there twice: names and keys must be unique"},
		{func(g *Genesis) { g.Validators[1].Name = "Bob" }, `genesis: validators[1]: name is "Bob": it must have 1 to 63 lower-case letters, digits or hyphens`},
		{func(g *Genesis) { g.Validators[1].Name = strings.Repeat("b", 64) }, `genesis: validators[1]: name is "` + strings.Repeat("b", 64) + `": it must have 1 to 63 lower-case letters, digits or hyphens`},
		{func(g *Genesis) { g.Validators[0].Key = types.PublicKey{} }, `genesis: validators[0]: alice lacks a key: it must have "key" and "vrfKey", 64 hex digits each`},
		{func(g *Genesis) { g.Validators[0].VRFKey = types.PublicKey{} }, `genesis: validators[0]: alice lacks a key: it must have "key" and "vrfKey", 64 hex digits each`},
		{func(g *Genesis) { g.Validators[1].Stake = 0 }, "genesis: validators: validator bob has stake 0: stakes are whole numbers from 1, and their sum at most 9007199254740991"},
		{func(g *Genesis) { g.Params.BlockReward = 1 << 53 }, "genesis: params: blockReward, faucetMax and maxGuestBalance must be at most 9007199254740991"},
		{func(g *Genesis) { g.Accounts[0] = g.Accounts[1] }, "genesis: accounts[1]: " + uuid + " is there twice"},
		{func(g *Genesis) { g.Accounts[0].Account = types.Genesis }, "genesis: accounts[0]: GENESIS holds no balance, it mints"},
		{func(g *Genesis) { g.Params.OpenAccounts = false }, "genesis: accounts[1]: " + uuid + " is an open account: they need params.openAccounts"},
		{func(g *Genesis) { g.Accounts[1].Balance = 0 }, "genesis: accounts[1]: balance 0: " + sums},
		{func(g *Genesis) { g.Accounts[1].Balance = types.MaxAmount - 4 }, "genesis: accounts[1]: balance 9007199254740987: " + sums},
		{func(g *Genesis) { g.Accounts[1].Balance = 1<<64 - 1 }, "genesis: accounts[1]: balance 18446744073709551615: " + sums},
	} {
		g := example(t)
		c.change(g)
		if _, err := Parse(g.Encode()); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestBadGenesisText(t *testing.T) {
	good := string(example(t).Encode())
	for _, c := range []struct{ text, want string }{
		{"", "genesis: the file is empty: it must hold one JSON object"},
		{good + "{}", "something follows the JSON object: the file must hold one object only"},
		{good[:len(good)-3], "genesis: the JSON object ends early: the file was cut off"},
		{strings.Replace(good, `"name": "alpha"`, `"nam": "alpha"`, 1), `genesis: unknown field "nam": take it out, or look for a slip in its name`},
		{strings.Replace(good, `"stake": 100`, `"stake": 100, "weight": 1`, 1), `genesis: unknown field "weight"`},
		{strings.Replace(good, `"name": "alpha"`, `"name": "alpha", "name": "beta"`, 1), `genesis: line 2: "name" is there twice`},
		{strings.Replace(good, `"stake": 100`, `"stake": -100`, 1), "validators.stake is a JSON number -100: it must be a whole number, not negative"},
		{strings.Replace(good, `"stake": 100`, `"stake": 1e2`, 1), "validators.stake is a JSON number 1e2: it must be a whole number, not negative"},
		{strings.Replace(good, `"stake": 100`, `"stake": "100"`, 1), "validators.stake is a JSON string: it must be a whole number, not negative"},
		{strings.Replace(good, `"time": 1700000000.5`, `"time": 1.7e9`, 1), "genesis: is 1.7e9: it must be seconds since 1970 as a plain JSON number, not negative, with at most nine decimals"},
		{strings.Replace(good, key(9).String(), "abc", 1), "genesis: public key has 3 characters: it must have exactly 64 hex digits"},
		{strings.Replace(good, `"account": "`+uuid+`",`, "", 1), "genesis: accounts[1]: account is missing: it must be a public key or a UUID"},
		{strings.Replace(good, uuid, "bc70", 1), `genesis: "bc70" is no account`},
		{strings.Replace(good, `"faucet": true`, `"faucet": "yes"`, 1), "params.faucet is a JSON string: it must be true or false"},
	} {
		if g, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || g != nil {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestLoadSaysWhichFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "genesis.json")
	check := func(want string) {
		t.Helper()
		if _, err := Load(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	check("genesis: open " + path + ": no such file or directory")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{}")
	check("genesis: name is missing (in " + path + ")")
	write("{")
	check("genesis: the JSON object ends early: the file was cut off (in " + path + ")")
	write(strings.Repeat(" ", maxFileBytes+1))
	check("genesis: " + path + " is larger than 4194304 bytes: that is not the file meant")
}

// FuzzParse: never a panic; what is accepted is written and read as the same
// network.
func FuzzParse(f *testing.F) {
	f.Add(example(f).Encode())
	f.Add([]byte(`{"name":"a","validators":[{}],"accounts":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var g *Genesis
		var err error
		fuzzed.Memory(t, len(data), func() { g, err = Parse(data) })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		again, err := Parse(g.Encode())
		if err != nil || again.Network() != g.Network() {
			t.Errorf("%s is accepted, but written as %s: %v", data, g.Encode(), err)
		}
	})
}
