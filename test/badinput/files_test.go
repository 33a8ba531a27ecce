package badinput_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// spoil is one way to spoil the files of the node "solo".
type spoil struct {
	name string
	do   func(t *testing.T, c *trial)
}

// The names of the three files, from the folder on.
const (
	genesisFile = "genesis.json"
	configFile  = "solo/config.json"
	keysFile    = "solo/keys.json"
	dataDir     = "solo/data"
)

func gone(name string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) { c.remove(t, name) }
}

func half(name string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) { c.cut(t, name) }
}

func holds(name, text string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) { c.put(t, name, text) }
}

func instead(name, old, text string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) { c.replace(t, name, old, text) }
}

// inPlaceOf puts another file of the folder where one should be.
func inPlaceOf(name, other string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) {
		data, err := os.ReadFile(c.file(other))
		if err != nil {
			t.Fatal(err)
		}
		c.put(t, name, string(data))
	}
}

var genesisSpoils = []spoil{
	{"genesis: missing", gone(genesisFile)},
	{"genesis: a folder", func(t *testing.T, c *trial) { c.remove(t, genesisFile); c.put(t, genesisFile+"/x", "") }},
	{"genesis: empty", holds(genesisFile, "")},
	{"genesis: truncated", half(genesisFile)},
	{"genesis: no JSON", holds(genesisFile, "name: classroom\n")},
	{"genesis: the config", inPlaceOf(genesisFile, configFile)},
	{"genesis: two of them", func(t *testing.T, c *trial) { c.replace(t, genesisFile, "{", "{}\n{") }},
	{"genesis: something behind it", func(t *testing.T, c *trial) {
		data, _ := os.ReadFile(c.file(genesisFile))
		c.put(t, genesisFile, string(data)+"{}")
	}},
	{"genesis: unknown field", instead(genesisFile, `"name"`, `"colour": "red", "name"`)},
	{"genesis: wrong type", instead(genesisFile, `"openAccounts": true`, `"openAccounts": "yes"`)},
	{"genesis: no name", instead(genesisFile, `"name": "classroom"`, `"name": ""`)},
	{"genesis: negative stake", instead(genesisFile, `"stake": 25`, `"stake": -25`)},
	{"genesis: fractional stake", instead(genesisFile, `"stake": 25`, `"stake": 2.5`)},
	{"genesis: stake of 0", instead(genesisFile, `"stake": 25`, `"stake": 0`)},
	{"genesis: huge stake", instead(genesisFile, `"stake": 25`, `"stake": 9007199254740992`)},
	{"genesis: a stake beyond 64 bits", instead(genesisFile, `"stake": 25`, `"stake": 99999999999999999999`)},
	{"genesis: a short key", instead(genesisFile, `"key": "`, `"key": "ab`)},
	{"genesis: two alike", func(t *testing.T, c *trial) {
		data, _ := os.ReadFile(c.file(genesisFile))
		from := strings.Index(string(data), `"validators": [`) + len(`"validators": [`)
		to := from + strings.Index(string(data)[from:], "]")
		c.put(t, genesisFile, string(data)[:to]+","+string(data)[from:])
	}},
	{"genesis: huge file", holds(genesisFile, strings.Repeat(" ", 5<<20))},
}

var configSpoils = []spoil{
	{"config: missing", gone(configFile)},
	{"config: empty", holds(configFile, "")},
	{"config: truncated", half(configFile)},
	{"config: no JSON", holds(configFile, "listen: 9000\n")},
	{"config: the genesis", inPlaceOf(configFile, genesisFile)},
	{"config: something behind it", func(t *testing.T, c *trial) {
		data, _ := os.ReadFile(c.file(configFile))
		c.put(t, configFile, string(data)+"{}")
	}},
	{"config: unknown field", instead(configFile, `"name"`, `"colour": "red", "name"`)},
	{"config: no name", instead(configFile, `"name": "solo"`, `"name": ""`)},
	{"config: another's name", instead(configFile, `"name": "solo"`, `"name": "duo"`)},
	{"config: a rule that does not compile", instead(configFile, "pool.size \\u003e= 3", "pool.size more than 3")},
	{"config: a rule of another type", instead(configFile, "pool.size \\u003e= 3", "pool.size + 3")},
	{"config: a rule about something unknown", instead(configFile, "pool.size", "pool.weight")},
	{"config: no rule", instead(configFile, "pool.size \\u003e= 3", "")},
	{"config: interval without unit", instead(configFile, `"interval": "`, `"interval": "3", "interval": "`)},
	{"config: negative interval", instead(configFile, `"interval": "`, `"interval": "-`)},
	{"config: no block interval a number", instead(configFile, `"minBlockInterval": "0s"`, `"minBlockInterval": 0`)},
	{"config: no records in a block", instead(configFile, `"maxRecords": 20000`, `"maxRecords": 0`)},
	{"config: huge blocks", instead(configFile, `"maxRecords": 20000`, `"maxRecords": 2000000`)},
	{"config: unknown log level", instead(configFile, `"peers"`, `"logLevel": "loud", "peers"`)},
	{"config: peer without key", instead(configFile, `"peers": []`, `"peers": [{"name": "bob", "address": "127.0.0.1:9"}]`)},
	{"config: huge file", holds(configFile, strings.Repeat(" ", 2<<20))},
}

var keysSpoils = []spoil{
	{"keys: missing", gone(keysFile)},
	{"keys: empty", holds(keysFile, "")},
	{"keys: truncated", half(keysFile)},
	{"keys: no JSON", holds(keysFile, "secret")},
	{"keys: the config", inPlaceOf(keysFile, configFile)},
	{"keys: a key is missing", holds(keysFile, `{"sign": "`+strings.Repeat("1", 64)+`"}`)},
	{"keys: short", holds(keysFile, `{"sign": "1234", "vrf": "1234"}`)},
	{"keys: no hex digits", holds(keysFile, `{"sign": "`+strings.Repeat("x", 64)+`", "vrf": "`+strings.Repeat("x", 64)+`"}`)},
	{"keys: another validator's", holds(keysFile, string(seededKeys("duo").Encode()))},
	{"keys: swapped", func(t *testing.T, c *trial) {
		k := seededKeys("solo")
		k.Sign, k.VRF = k.VRF, k.Sign
		c.put(t, keysFile, string(k.Encode()))
	}},
}

var portSpoils = []spoil{
	{"port: p2p in use", taken(func(c *trial) *string { return &c.Config.Listen.P2P })},
	{"port: API in use", taken(func(c *trial) *string { return &c.Config.Listen.API })},
	{"port: console in use", taken(func(c *trial) *string { return &c.Config.Listen.Console })},
	{"port: metrics in use", taken(func(c *trial) *string { return &c.Config.Listen.Metrics })},
	{"port: no address", address("nowhere")},
	{"port: too large", address("127.0.0.1:99999")},
	{"port: no number", address("127.0.0.1:http-alt-alt")},
	{"port: another machine's", address("192.0.2.1:9000")},
	{"port: empty", address("")},
}

// taken has another program listen where the node wants to.
func taken(which func(*trial) *string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) {
		l, err := net.Listen("tcp", *which(c))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
}

// address has the node's API listen elsewhere.
func address(text string) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) {
		c.replace(t, configFile, `"api": "`+c.Config.Listen.API+`"`, `"api": "`+text+`"`)
	}
}

var dataSpoils = []spoil{
	{"data: as it was left", func(*testing.T, *trial) {}},
	{"data: none", gone(dataDir)},
	{"data: a file", func(t *testing.T, c *trial) { c.remove(t, dataDir); c.put(t, dataDir, "") }},
	{"data: another program's", func(t *testing.T, c *trial) { c.remove(t, dataDir); c.put(t, dataDir+"/thesis.tex", "") }},
	{"data: another network's", owner(storage.Identity{Network: types.SumHash([]byte("other")), Validator: seededKeys("solo").Sign.Public(), Name: "solo"})},
	{"data: another validator's", func(t *testing.T, c *trial) {
		owner(storage.Identity{Network: networkOf(t, c), Validator: seededKeys("duo").Sign.Public(), Name: "duo"})(t, c)
	}},
	{"data: in use by another node", func(t *testing.T, c *trial) {
		data := open(t, c, storage.Identity{Network: networkOf(t, c), Validator: seededKeys("solo").Sign.Public(), Name: "solo"})
		t.Cleanup(func() { data.Close() })
	}},
}

// owner makes the data folder somebody else's.
func owner(id storage.Identity) func(*testing.T, *trial) {
	return func(t *testing.T, c *trial) {
		c.remove(t, dataDir)
		open(t, c, id).Close()
	}
}

func open(t *testing.T, c *trial, id storage.Identity) *storage.Data {
	t.Helper()
	data, err := storage.Open(c.file(dataDir), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dataFiles are the kinds of file in a data folder, each cut in half and gone.
// Those of Pebble have a number in their names.
func dataFiles(t *testing.T, c *trial) []spoil {
	t.Helper()
	var spoils []spoil
	for _, pattern := range []string{"IDENTITY", "LOCK", "sign.log", "chain/*.sst", "chain/*.log", "chain/MANIFEST-*", "chain/OPTIONS-*", "chain/marker.manifest.*", "chain/marker.format-version.*"} {
		found, err := filepath.Glob(filepath.Join(c.Data(), pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("the data folder has no file %s (%v)", pattern, err)
		}
		name, err := filepath.Rel(c.Data(), slices.Max(found)) // the newest, if there are several
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(dataDir, name)
		spoils = append(spoils, spoil{"data: " + pattern + " truncated", half(name)}, spoil{"data: " + pattern + " gone", gone(name)})
	}
	return spoils
}

// A node whose files are spoilt says in one sentence what is wrong and what to
// do, and ends with code 1; or it can do without what is missing, and goes on
// from where it was.
func TestSpoiltFiles(t *testing.T) {
	t.Parallel()
	n := write(t, t.TempDir(), "solo")
	solo := n.Nodes[0]
	for range 2 { // the second start moves what the first wrote from Pebble's log to its tables
		begin(t, n)
		for range 5 {
			mintBlock(t, solo)
		}
		if err := solo.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	all := slices.Concat(genesisSpoils, configSpoils, keysSpoils, portSpoils, dataSpoils, dataFiles(t, copyOf(t, solo)))
	var said strings.Builder
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			c := copyOf(t, solo)
			s.do(t, c)
			outcome := c.outcome(t)
			if lines := strings.Count(outcome, "\n"); lines > 0 {
				t.Errorf("there are %d lines where one sentence should be: %s", lines+1, outcome)
			}
			fmt.Fprintf(&said, "# %s\n%s\n", s.name, outcome)
		})
	}
	golden(t, "files.txt", said.String())
}
