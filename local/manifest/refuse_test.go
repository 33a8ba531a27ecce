package manifest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/local/manifest"
)

// Each bad manifest is told in these very words; "m.yaml" is its name.
func TestRefuses(t *testing.T) {
	const alice = "  validators: [{name: alice, stake: 1}]\n"
	const whole = "it must be a whole number from 1 to 9007199254740991"
	const later = "\n  m.yaml: further rules are checked once this is right"
	const key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
	const open = "bc70b89d-4521-454c-bebc-6c2456074bf2"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":        {"", "m.yaml: the file is empty: it must hold a PosNetwork"},
		"comment only": {"# nothing\n---\n", "m.yaml: the file is empty: it must hold a PosNetwork"},
		"prose": {"hello", "m.yaml: the file holds no mapping: it must hold a PosNetwork, " +
			"beginning with \"apiVersion: posnet.dev/v1alpha1\""},
		"list":       {"[1, 2]", "m.yaml: the file holds no mapping: it must hold a PosNetwork, beginning with \"apiVersion: posnet.dev/v1alpha1\""},
		"not YAML":   {head + alice + "  builder: {when: [\n", "m.yaml: the file is not YAML: line 6: did not find expected node content"},
		"binary":     {"\x00\x01\x02", "m.yaml: the file is not YAML: control characters are not allowed"},
		"not UTF-8":  {head + "  image: \xff\xfe\n", "m.yaml: the file is not YAML: invalid leading UTF-8 octet"},
		"key twice":  {head + alice + alice, "m.yaml: the file is not YAML: line 6: key \"validators\" already set in map"},
		"too deep":   {strings.Repeat("[", 20_000), "m.yaml: the file is not YAML: exceeded max depth of 10000"},
		"alias bomb": {bomb(), "m.yaml: with each alias replaced by what it stands for the file has more than 1048576 bytes, which is the most a manifest may have"},
		"one text often": {"x: [&a " + strings.Repeat("x", 20_000) + strings.Repeat(", *a", 5000) + "]\n",
			"m.yaml: with each alias replaced by what it stands for the file has more than 1048576 bytes, which is the most a manifest may have"},
		"within itself": {"x: &a [*a]\n", "m.yaml: the file is not YAML: anchor 'a' value contains itself"},
		"10 MB":         {strings.Repeat("# 10 MB\n", 10<<20/8), "m.yaml: the file has more than 1048576 bytes, which is the most a manifest may have"},
		"two":           {head + alice + "---\n" + head + alice, "m.yaml:7: the file holds 2 documents: it must hold one PosNetwork; put the others into files of their own"},
		"no kind":       {"apiVersion: posnet.dev/v1alpha1", "m.yaml: kind: is missing: it must be PosNetwork"},
		"wrong kind":    {"apiVersion: posnet.dev/v1alpha1\nkind: Pod", "m.yaml:2: kind: \"Pod\" is not known here: it must be PosNetwork"},
		"no version":    {"kind: PosNetwork", "m.yaml: apiVersion: is missing: it must be posnet.dev/v1alpha1"},
		"old version":   {"kind: PosNetwork\napiVersion: posnet.dev/v1", "m.yaml:2: apiVersion: \"posnet.dev/v1\" is not known here: it must be posnet.dev/v1alpha1"},
		"no metadata": {strings.Replace(head, "metadata: {name: alpha}\n", "", 1) + alice,
			"m.yaml: 2 problems\n  m.yaml: metadata.name: is missing: it must be the network's name" + later},
		"bad name": {strings.Replace(head, "alpha}", "Alpha_1}", 1) + alice,
			"m.yaml:3: metadata.name: a network's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning with a letter, ending with a letter or digit"},
		"path as name": {strings.Replace(head, "alpha}", "../../etc}", 1) + alice,
			"m.yaml:3: metadata.name: a network's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning with a letter, ending with a letter or digit"},
		"long name": {strings.Replace(head, "alpha}", strings.Repeat("a", 25)+"}", 1) + alice,
			"m.yaml:3: metadata.name: a network's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning with a letter, ending with a letter or digit"},
		"number as name": {strings.Replace(head, "alpha}", "7}", 1) + alice,
			"m.yaml: 2 problems\n  m.yaml:3: metadata.name: a number is not allowed: it must be a string" + later},
		"list as metadata": {strings.Replace(head, "{name: alpha}", "[]", 1) + alice,
			"m.yaml: 2 problems\n  m.yaml:3: metadata: a list of 0 entries is not allowed: it must be a mapping" + later},
		"no spec":         {strings.Replace(head, "spec:\n", "", 1), "m.yaml: 2 problems\n  m.yaml: spec: is missing: it must be a mapping" + later},
		"no validators":   {head + "  paused: true\n", "m.yaml: 2 problems\n  m.yaml:4: spec.validators: is missing: it must be a list of 1 to 100 entries" + later},
		"empty list":      {head + "  validators: []\n", "m.yaml:5: spec.validators: a list of 0 entries is not allowed: it must be a list of 1 to 100 entries"},
		"a text as list":  {head + "  validators: alice\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators: \"alice\" is not allowed: it must be a list of 1 to 100 entries" + later},
		"null stake":      {head + "  validators: [{name: alice, stake: }]\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators[0].stake: is missing: " + whole + later},
		"stake 0":         {head + "  validators: [{name: alice, stake: 0}]\n", "m.yaml:5: spec.validators[0].stake: 0 is not allowed: " + whole},
		"stake below 0":   {head + "  validators: [{name: alice, stake: -5}]\n", "m.yaml:5: spec.validators[0].stake: -5 is not allowed: " + whole},
		"half a stake":    {head + "  validators: [{name: alice, stake: 1.5}]\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators[0].stake: 1.5 is not allowed: " + whole + later},
		"stake 2^53":      {head + "  validators: [{name: alice, stake: 9007199254740992}]\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators: the stakes of all validators together, counting replicas, are more than 9007199254740991 (2^53 - 1), which is the most allowed\n  m.yaml:5: spec.validators[0].stake: 9007199254740992 is not allowed: " + whole},
		"huge stake":      {head + "  validators: [{name: alice, stake: 1e30}]\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators[0].stake: 1e+30 is not allowed: " + whole + later},
		"a word as stake": {head + "  validators: [{name: alice, stake: lots}]\n", "m.yaml: 2 problems\n  m.yaml:5: spec.validators[0].stake: \"lots\" is not allowed: " + whole + later},
		"infinite stake":  {head + "  validators: [{name: alice, stake: .inf}]\n", "m.yaml: the file is not YAML: json: unsupported value: +Inf"},
		"two alices":      {head + "  validators:\n  - {name: alice, stake: 1}\n  - {name: alice, stake: 2}\n", "m.yaml:7: spec.validators[1].name: \"alice\" is there already: each name is allowed once"},
		"replica's name": {head + "  validators:\n  - {name: small, stake: 1, replicas: 3}\n  - {name: small-2, stake: 2}\n",
			"m.yaml:5: spec.validators: the name small-2 is also that of a replica of another validator; names must differ once replicas are spread out (NAME-0, NAME-1, ...)"},
		"101 validators": {head + "  validators:\n" + validators(101),
			"m.yaml: 2 problems\n  m.yaml:5: spec.validators: a list of 101 entries is not allowed: it must be a list of 1 to 100 entries" + later},
		"101 by replicas": {head + "  validators: [{name: alice, stake: 1}, {name: small, stake: 1, replicas: 100}]\n",
			"m.yaml:5: spec.validators: there are more than 100 validators, counting replicas; 1 to 100 are allowed"},
		"10,000 by replicas": {head + "  validators:\n" + strings.ReplaceAll(validators(100), "stake: 1", "stake: 9007199254740991, replicas: 100"),
			"m.yaml:5: spec.validators: there are more than 100 validators, counting replicas; 1 to 100 are allowed"},
		"no replicas": {head + "  validators: [{name: small, stake: 1, replicas: 0}]\n",
			"m.yaml:5: spec.validators[0].replicas: 0 is not allowed: it must be a whole number from 1 to 100"},
		"total stake": {head + "  validators: [{name: alice, stake: 9007199254740991}, {name: bob, stake: 1}]\n",
			"m.yaml:5: spec.validators: the stakes of all validators together, counting replicas, are more than 9007199254740991 (2^53 - 1), which is the most allowed"},
		"total of replicas": {head + "  validators: [{name: small, stake: 90071992547410, replicas: 100}]\n",
			"m.yaml:5: spec.validators: the stakes of all validators together, counting replicas, are more than 9007199254740991 (2^53 - 1), which is the most allowed"},
		"validator's name": {head + "  validators: [{name: Alice, stake: 1}]\n",
			"m.yaml:5: spec.validators[0].name: \"Alice\" is not allowed: a validator's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning and ending with a letter or digit"},
		"long validator's name": {head + "  validators: [{name: " + strings.Repeat("a", 25) + ", stake: 1}]\n",
			"m.yaml: 2 problems\n  m.yaml:5: spec.validators[0].name: \"" + strings.Repeat("a", 25) + "\" is not allowed: a validator's name is a DNS label of at most 24 characters: lower-case letters, digits and '-', beginning and ending with a letter or digit" + later},
		"slip of the pen": {head + alice + "  bilder: {when: 'true'}\n", "m.yaml:6: spec.bilder: is not known here; is builder meant?"},
		"another case":    {head + "  validators: [{name: alice, Stake: 1, stake: 1}]\n", "m.yaml:5: spec.validators[0].Stake: is not known here; is stake meant?"},
		"unknown field":   {head + alice + "  faucet: {limit: 5}\n", "m.yaml:6: spec.faucet.limit: is not known here; known are enabled, maxAmount"},
		"unknown at top":  {head + alice + "sepc: {}\n", "m.yaml:6: sepc: is not known here; is spec meant?"},
		"unknown label":   {strings.Replace(head, "alpha}", "alpha, labls: {a: b}}", 1) + alice, "m.yaml:3: metadata.labls: is not known here; is labels meant?"},
		"bad label": {strings.Replace(head, "alpha}", "alpha, labels: {a: b c}}", 1) + alice, "m.yaml:3: metadata.labels: \"b c\" is not allowed: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
			"and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
		"empty rule": {head + alice + "  builder: {when: ''}\n", "m.yaml:6: spec.builder.when: \"\" is not allowed: it must be a text of 1 to 1024 characters"},
		"long rule": {head + alice + "  builder: {when: '" + strings.Repeat("x", 1025) + "'}\n",
			"m.yaml: 2 problems\n  m.yaml:6: spec.builder.when: \"" + strings.Repeat("x", 99) + "… is not allowed: it must be a text of 1 to 1024 characters" + later},
		"short interval": {head + alice + "  builder: {interval: 9ms}\n",
			"m.yaml:6: spec.builder.interval: \"9ms\" is not allowed: interval must be a duration from 10ms to 1h, such as 500ms or 3s"},
		"interval without a unit": {head + alice + "  builder: {interval: 3}\n",
			"m.yaml: 2 problems\n  m.yaml:6: spec.builder.interval: 3 is not allowed: interval must be a duration from 10ms to 1h, such as 500ms or 3s" + later},
		"own interval": {head + "  validators: [{name: alice, stake: 1, builder: {interval: 2h}}]\n",
			"m.yaml:5: spec.validators[0].builder.interval: \"2h\" is not allowed: interval must be a duration from 10ms to 1h, such as 500ms or 3s"},
		"negative pause": {head + alice + "  consensus: {minBlockInterval: -1s}\n",
			"m.yaml:6: spec.consensus.minBlockInterval: \"-1s\" is not allowed: minBlockInterval must be a duration from 0s to 1h, such as 0s, 250ms or 1s"},
		"no timeout": {head + alice + "  consensus: {proposeTimeout: 0s}\n",
			"m.yaml:6: spec.consensus.proposeTimeout: \"0s\" is not allowed: proposeTimeout must be a duration from 10ms to 10m, such as 500ms or 3s"},
		"too many records": {head + alice + "  builder: {maxRecords: 50001, maxBytes: 255}\n",
			"m.yaml: 2 problems\n  m.yaml:6: spec.builder.maxBytes: 255 is not allowed: it must be a whole number from 256 to 8388608" +
				"\n  m.yaml:6: spec.builder.maxRecords: 50001 is not allowed: it must be a whole number from 1 to 50000"},
		"negative reward": {head + alice + "  ledger: {blockReward: -1}\n",
			"m.yaml:6: spec.ledger.blockReward: -1 is not allowed: it must be a whole number from 0 to 9007199254740991"},
		"no account": {head + alice + "  ledger: {accounts: [{account: bob, balance: 1}], openAccounts: true}\n",
			"m.yaml:6: spec.ledger.accounts[0].account: \"bob\" is not allowed: an account is an ed25519 public key (64 hex digits) or, where ledger.openAccounts is true, a UUID (8-4-4-4-12 hex digits)"},
		"open account": {head + alice + "  ledger:\n    accounts: [{account: " + open + ", balance: 1}]\n",
			"m.yaml:7: spec.ledger.accounts: an open account (a UUID) can be spent from by anybody, and is allowed only where ledger.openAccounts is true; a keyed account is an ed25519 public key of 64 hex digits"},
		"GENESIS": {head + alice + "  ledger: {openAccounts: true, accounts: [{account: 00000000-0000-0000-0000-000000000000, balance: 1}]}\n",
			"m.yaml:6: spec.ledger.accounts[0].account: \"00000000-0000-0000-0000-000000000000\" is not allowed: the account 00000000-0000-0000-0000-000000000000 is GENESIS, which mints and holds nothing; give any other account"},
		"account twice": {head + alice + "  ledger: {accounts: [{account: " + key + ", balance: 1}, {account: " + strings.ToUpper(key) + ", balance: 1}]}\n",
			"m.yaml:6: spec.ledger.accounts: the account " + key + " is there more than once; each account is allowed once, upper and lower case being the same"},
		"balances": {head + alice + "  ledger: {openAccounts: true, accounts: [{account: " + key + ", balance: 9007199254740991}, {account: " + open + ", balance: 1}]}\n",
			"m.yaml:6: spec.ledger.accounts: the balances of all accounts together are more than 9007199254740991 (2^53 - 1), which is the most allowed"},
		"guests outside": {head + alice + "  console: {guests: true}\n",
			"m.yaml:6: spec.console.guests: guests come in by the console: console.guests needs console.enabled to be true"},
		"a word as switch": {head + alice + "  faucet: {enabled: maybe}\n",
			"m.yaml: 2 problems\n  m.yaml:6: spec.faucet.enabled: \"maybe\" is not allowed: it must be true or false" + later},
		"small volume": {head + alice + "  storage: {size: 1Mi}\n",
			"m.yaml:6: spec.storage.size: \"1Mi\" is not allowed: size must be a quantity of at least 64Mi, such as 1Gi"},
		"negative volume": {head + alice + "  storage: {size: -1Gi}\n",
			"m.yaml:6: spec.storage.size: \"-1Gi\" is not allowed: size must be a quantity of at least 64Mi, such as 1Gi"},
		"few blocks": {head + alice + "  storage: {keepBlocks: 999}\n",
			"m.yaml:6: spec.storage.keepBlocks: 999 is not allowed: keepBlocks must be 0, which keeps all blocks, or at least 1000"},
		"policy": {head + alice + "  storage: {whenDeleted: Forget}\n",
			"m.yaml: 2 problems\n  m.yaml:6: spec.storage.whenDeleted: \"Forget\" is not allowed: it must be Retain or Delete" + later},
		"limit": {head + alice + "  template: {resources: {limits: {cpu: lots}}}\n",
			"m.yaml:6: spec.template.resources.limits.cpu: \"lots\" is not allowed: it must be a quantity such as 500m, 2 or 1Gi"},
		"unknown in a template": {head + alice + "  template: {tolerations: [{kee: x}]}\n",
			"m.yaml:6: spec.template.tolerations[0].kee: is not known here; is key meant?"},
		"all at once": {head + "  validators:\n  - {name: alice, stake: 0}\n  - {name: alice, stak: 2}\n  paused: 1\n",
			"m.yaml: 6 problems" +
				"\n  m.yaml:6: spec.validators[0].stake: 0 is not allowed: " + whole +
				"\n  m.yaml:7: spec.validators[1].name: \"alice\" is there already: each name is allowed once" +
				"\n  m.yaml:7: spec.validators[1].stak: is not known here; is stake meant?" +
				"\n  m.yaml:7: spec.validators[1].stake: is missing: " + whole +
				"\n  m.yaml:8: spec.paused: 1 is not allowed: it must be true or false" + later},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Read("m.yaml", strings.NewReader(tt.text))
			var e *manifest.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func validators(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: v%d, stake: 1}\n", i)
	}
	return b.String()
}

// bomb is a small file that aliases would blow up to ten to the ninth entries.
func bomb() string {
	text := head + "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		alias := fmt.Sprintf("*a%d", i)
		text += fmt.Sprintf("  a%d: &a%d [%s]\n", i+1, i+1, strings.Join([]string{alias, alias, alias, alias, alias, alias, alias, alias, alias, alias}, ", "))
	}
	return text
}

// A file of which nearly everything is wrong is answered as fully as any: each problem
// once, at its own line, and those that a screen does not hold are counted.
func TestRefusesMany(t *testing.T) {
	const many = 20_000
	var b strings.Builder
	b.WriteString(head + "  validators: [{name: alice, stake: 1}]\n") // five lines
	for i := range many {
		fmt.Fprintf(&b, "  wrong%d: 1\n", i)
	}
	_, err := manifest.Read("m.yaml", strings.NewReader(b.String()))
	var e *manifest.Error
	if !errors.As(err, &e) || len(e.Problems) != many {
		t.Fatalf("got %v, want %d problems", err, many)
	}
	for i, p := range e.Problems {
		if want := fmt.Sprintf("spec.wrong%d", i); p.Field != want || p.Line != 6+i {
			t.Fatalf("problem %d is of %s in line %d: want %s in line %d", i, p.Field, p.Line, want, 6+i)
		}
	}
	if text := err.Error(); !strings.HasSuffix(text, fmt.Sprintf("\n  and %d more", many-20)) || strings.Count(text, "\n") != 21 {
		t.Errorf("it says %.2000s", text)
	}
}

// Of a list that is too long no more is told than what is wrong with as many entries as
// it may have, and one.
func TestRefusesLongLists(t *testing.T) {
	text := head + "  validators:\n" + strings.Repeat("  - {name: a, stake: 0}\n", 20_000)
	_, err := manifest.Read("m.yaml", strings.NewReader(text))
	var e *manifest.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	stakes := 0
	for _, p := range e.Problems {
		if strings.HasSuffix(p.Field, ".stake") {
			stakes++
		}
	}
	if want := "a list of 20000 entries is not allowed: it must be a list of 1 to 100 entries"; !strings.Contains(err.Error(), want) || stakes != 101 {
		t.Errorf("%d stakes, and got %v", stakes, err)
	}
}

// A mapping that an alias stands for is where it is written, and its keys are looked up
// there however often it is used.
func TestRefusesInAliases(t *testing.T) {
	_, err := manifest.Read("m.yaml", strings.NewReader(head+"  validators:\n  - &a\n    name: alice\n    stake: 1\n    stak: 2\n  - *a\n"))
	var e *manifest.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range e.Problems {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Field))
	}
	want := []string{"7 spec.validators[1].name", "9 spec.validators[0].stak", "9 spec.validators[1].stak"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
