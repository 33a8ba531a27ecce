package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

func key(i byte) types.PrivateKey { return types.NewPrivateKey([32]byte{i}) }

func example() *Config {
	return &Config{
		Name: "alice", DataDir: "data", LogLevel: "debug",
		Listen:    Listen{P2P: "127.0.0.1:0", API: ":9000", Console: "[::1]:9090", Metrics: "0.0.0.0:9464"},
		Peers:     []Peer{{Name: "bob", Key: key(2).Public(), Address: "bob.alpha.svc:9100"}, {Name: "carol", Key: key(3).Public(), Address: "10.0.0.7:9100"}},
		Builder:   Builder{When: "pool.size >= 3", Interval: Duration(3 * time.Second), MaxRecords: 20000, MaxBytes: 4 << 20},
		Consensus: Consensus{MinBlockInterval: Duration(1500 * time.Millisecond), ProposeTimeout: Duration(3 * time.Second)},
	}
}

// written puts content into a file and returns its path.
func written(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigComesBack(t *testing.T) {
	c := example()
	got, err := Load(written(t, c.Encode()))
	if err != nil || !reflect.DeepEqual(got, c) || !bytes.Equal(got.Encode(), c.Encode()) {
		t.Errorf("came back as %+v, %v", got, err)
	}
	if !bytes.Contains(c.Encode(), []byte(`"minBlockInterval": "1.5s"`)) {
		t.Errorf("durations are not text: %s", c.Encode())
	}
}

func TestKeysComeBack(t *testing.T) {
	k := Keys{Sign: key(1), VRF: key(2)}
	got, err := LoadKeys(written(t, k.Encode()))
	if err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Name = "" }, "config: name is missing: it must be this validator's name"},
		{func(c *Config) { c.Listen.API = "" }, "config: listen.api and listen.p2p are needed, each as host:port"},
		{func(c *Config) { c.Listen.P2P = "" }, "config: listen.api and listen.p2p are needed, each as host:port"},
		{func(c *Config) { c.Listen.P2P = "9100" }, `config: listen.p2p is "9100": it must be host:port, such as "127.0.0.1:9000", or :port for all addresses`},
		{func(c *Config) { c.Listen.API = "::1:9000" }, `config: listen.api is "::1:9000": it must be host:port, such as "127.0.0.1:9000", or :port for all addresses`},
		{func(c *Config) { c.Listen.Console = "localhost:" }, `config: listen.console is "localhost:": it must be host:port, such as "127.0.0.1:9000", or :port for all addresses`},
		{func(c *Config) { c.Listen.Metrics = ":65536" }, `config: listen.metrics is ":65536": it must be host:port, such as "127.0.0.1:9000", or :port for all addresses`},
		{func(c *Config) { c.Builder.When = "" }, `config: builder.when is missing: it must be a rule such as "pool.size >= 3"`},
		{func(c *Config) { c.Storage.KeepBlocks = 999 }, "config: storage.keepBlocks is 999: it must be 0, which keeps all, or at least 1000"},
		{func(c *Config) { c.Builder.Interval = 0 }, "config: builder.interval is 0s: it must be at least 1ms"},
		{func(c *Config) { c.Builder.MaxRecords = 0 }, "config: builder.maxRecords is 0: it must be 1 to 50000"},
		{func(c *Config) { c.Builder.MaxRecords = 50001 }, "config: builder.maxRecords is 50001: it must be 1 to 50000"},
		{func(c *Config) { c.Builder.MaxBytes = 255 }, "config: builder.maxBytes is 255: it must be 256 to 8388608"},
		{func(c *Config) { c.Builder.MaxBytes = 9 << 20 }, "config: builder.maxBytes is 9437184: it must be 256 to 8388608"},
		{func(c *Config) { c.Consensus.ProposeTimeout = Duration(9 * time.Millisecond) }, "config: consensus.proposeTimeout is 9ms: it must be at least 10ms"},
		{func(c *Config) { c.LogLevel = "loud" }, `config: logLevel is "loud": it must be debug, info, warn or error`},
		{func(c *Config) { c.Peers[1].Key = types.PublicKey{} }, "config: peers[1] (carol): key and address are needed"},
		{func(c *Config) { c.Peers[1].Address = "" }, "config: peers[1] (carol): key and address are needed"},
		{func(c *Config) { c.Peers[1].Address = "10.0.0.7" }, `config: peers[1] (carol): address is "10.0.0.7": it must be host:port, such as "10.0.0.7:9100"`},
		{func(c *Config) { c.Peers[1].Address = ":9100" }, `config: peers[1] (carol): address is ":9100": it must be host:port, such as "10.0.0.7:9100"`},
		{func(c *Config) { c.Peers[1].Key = c.Peers[0].Key }, "config: peers[1] (carol): its key is there twice"},
		{func(c *Config) { c.Peers = make([]Peer, types.MaxValidators+1) }, "config: 101 peers: at most 100"},
	} {
		config := example()
		c.change(config)
		path := written(t, config.Encode())
		if got, err := Load(path); err == nil || err.Error() != c.want+" (in "+path+")" || got != nil {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestBadConfigText(t *testing.T) {
	good := string(example().Encode())
	for _, c := range []struct{ text, want string }{
		{"", "config: the file is empty: it must hold one JSON object"},
		{good + good, "something follows the JSON object: the file must hold one object only"},
		{good[:200], "config: the JSON object ends early: the file was cut off"},
		{strings.Replace(good, `"when"`, `"wenn"`, 1), `config: unknown field "wenn": take it out, or look for a slip in its name`},
		{strings.Replace(good, `"interval": "3s"`, `"interval": "3s", "interval": "4s"`, 1), `"interval" is there twice`},
		{strings.Replace(good, `"3s"`, `"3"`, 1), `config: "3" is no duration: write a number with a unit, such as "500ms", "3s" or "2m"`},
		{strings.Replace(good, `"3s"`, `"-3s"`, 1), `config: "-3s" is no duration: write a number with a unit, such as "500ms", "3s" or "2m"`},
		{strings.Replace(good, `"3s"`, `"3 parsecs"`, 1), `config: "3 parsecs" is no duration`},
		{strings.Replace(good, `"3s"`, `3`, 1), "builder.interval is a JSON number: it must be a string"},
		{strings.Replace(good, `20000`, `2e4`, 1), "builder.maxRecords is a JSON number 2e4: it must be a whole number"},
		{strings.Replace(good, key(2).Public().String(), "bob", 1), "config: public key has 3 characters: it must have exactly 64 hex digits"},
	} {
		path := written(t, []byte(c.text))
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), " (in "+path+")") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	path := written(t, bytes.Repeat([]byte(" "), maxFileBytes+1))
	if _, err := Load(path); err == nil || err.Error() != "config: "+path+" is larger than 1048576 bytes: that is not the file meant" {
		t.Error(err)
	}
	if _, err := Load(path + "x"); err == nil || err.Error() != "config: open "+path+"x: no such file or directory" {
		t.Error(err)
	}
}

// A bad key file is told without a digit of what it holds.
func TestBadKeys(t *testing.T) {
	secret := strings.Repeat("ab", 32)
	for _, c := range []struct{ text, want string }{
		{`{}`, "keys: PATH lacks a key: it must hold \"sign\" and \"vrf\", 64 hex digits each"},
		{fmt.Sprintf(`{"sign": %q}`, secret), "keys: PATH lacks a key: it must hold \"sign\" and \"vrf\", 64 hex digits each"},
		{fmt.Sprintf(`{"sign": %q, "vrf": %q}`, secret, secret[1:]), "keys: private key of 63 characters: it must have exactly 64 hex digits (in PATH)"},
		{fmt.Sprintf(`{"sign": %q, "vrf": %q}`, secret, "x"+secret[1:]), "keys: private key of 64 characters: it must have exactly 64 hex digits (in PATH)"},
		{fmt.Sprintf(`{"sign": %q, "verify": %q}`, secret, secret), "keys: unknown field \"verify\": take it out, or look for a slip in its name (in PATH)"},
		{fmt.Sprintf(`{"sign": %q, "sign": %q, "vrf": %q}`, secret, secret, secret), "keys: line 1: \"sign\" is there twice (in PATH)"},
		{secret, "keys: the file does not begin with {: it must hold one JSON object (in PATH)"},
		{`{"sign": 7}`, "keys: line 1: sign is a JSON number: it must be a string (in PATH)"},
	} {
		path := written(t, []byte(c.text))
		_, err := LoadKeys(path)
		if want := strings.ReplaceAll(c.want, "PATH", path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "abab") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestDurationText(t *testing.T) {
	for text, want := range map[string]time.Duration{`"0s"`: 0, `"1m30s"`: 90 * time.Second, `"1.5ms"`: 1500 * time.Microsecond} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
}
