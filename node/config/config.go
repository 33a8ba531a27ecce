// Package config is the second of the two files a node starts from: what is
// this node's own. All paths in it are relative to the file's folder.
package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/types/jsonfile"
)

// maxFileBytes bounds what is read: a hundred peers take twenty kilobytes.
const maxFileBytes = 1 << 20

// Duration is a time.Duration that stands in JSON as text such as "1.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%.64q is no duration: write a number with a unit, such as \"500ms\", \"3s\" or \"2m\"", b)
	}
	*d = Duration(v)
	return nil
}

// Peer is another validator of the network, and where it listens.
type Peer struct {
	Name    string          `json:"name"`
	Key     types.PublicKey `json:"key"`
	Address string          `json:"address"` // host:port of its p2p listener
}

// Listen says where the node listens. An empty address switches a listener
// off; port 0 takes any free port.
type Listen struct {
	P2P     string `json:"p2p"`
	API     string `json:"api"`
	Console string `json:"console,omitempty"`
	Metrics string `json:"metrics,omitempty"`
}

// Builder is when this node makes a candidate block, and how large.
type Builder struct {
	When       string   `json:"when"`     // a CEL expression, see docs/rules.md
	Interval   Duration `json:"interval"` // the rule is asked at least so often; 1ms and more
	MaxRecords int      `json:"maxRecords"`
	MaxBytes   int      `json:"maxBytes"`
}

// Consensus is the pace of agreement.
type Consensus struct {
	MinBlockInterval Duration `json:"minBlockInterval"` // between commits; may be 0
	ProposeTimeout   Duration `json:"proposeTimeout"`   // how long the drawn validator is waited for in round 0
}

// MinKeepBlocks is the fewest blocks that a node may keep: a node that was away
// for some minutes finds what it missed with its peers, and need not start anew
// from a snapshot, which are as many heights apart.
const MinKeepBlocks = 1000

// Storage is what the node keeps on disk.
type Storage struct {
	// KeepBlocks is how many of the newest blocks are kept at least, of those above
	// the snapshot that the node last went on from, if it did; 0: all, else from
	// MinKeepBlocks.
	KeepBlocks uint64 `json:"keepBlocks,omitempty"`
}

// Config is the whole file.
type Config struct {
	Name string `json:"name"` // the validator's name
	// Key is the validator's public signing key; zero: that of the genesis. A
	// validator that got new keys has other ones than the genesis names.
	Key       types.PublicKey `json:"key,omitzero"`
	DataDir   string          `json:"dataDir"` // empty: in memory only
	Listen    Listen          `json:"listen"`
	Peers     []Peer          `json:"peers"`
	Builder   Builder         `json:"builder"`
	Consensus Consensus       `json:"consensus"`
	Storage   Storage         `json:"storage,omitzero"`
	LogLevel  string          `json:"logLevel,omitempty"` // debug, info (default), warn or error
}

// Keys is a validator's two secrets; the file that holds them is readable by
// its owner only.
type Keys struct {
	Sign types.PrivateKey `json:"sign"` // signs votes, and connects to peers
	VRF  types.PrivateKey `json:"vrf"`  // proves the beacon
}

// Load reads and checks a config file.
func Load(path string) (*Config, error) {
	data, err := read(path, "config")
	if err != nil {
		return nil, err
	}
	return parse(data, path)
}

func parse(data []byte, path string) (*Config, error) {
	c := &Config{}
	if err := decode(data, path, "config", c); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return c, nil
}

// LoadKeys reads a key file.
func LoadKeys(path string) (Keys, error) {
	data, err := read(path, "keys")
	if err != nil {
		return Keys{}, err
	}
	return decodeKeys(data, path)
}

func decodeKeys(data []byte, path string) (k Keys, err error) {
	if err := decode(data, path, "keys", &k); err != nil {
		return Keys{}, err
	}
	if k.Sign.Public().IsZero() || k.VRF.Public().IsZero() {
		return Keys{}, fmt.Errorf("keys: %s lacks a key: it must hold \"sign\" and \"vrf\", 64 hex digits each", path)
	}
	return k, nil
}

func read(path, what string) ([]byte, error) {
	data, err := jsonfile.Read(path, maxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return data, nil
}

func decode(data []byte, path, what string, into any) error {
	if err := jsonfile.Decode(data, into); err != nil {
		return fmt.Errorf("%s: %w (in %s)", what, err, path)
	}
	return nil
}

// Encode returns the file's indented JSON.
func (c *Config) Encode() []byte { return encode(c) }

// Encode returns the file's indented JSON, secrets included.
func (k Keys) Encode() []byte { return encode(k) }

func encode(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("config: cannot encode: " + err.Error()) // all fields are plain
	}
	return append(data, '\n')
}

// Bounds of what a config may ask for.
const (
	MinBuilderInterval = time.Millisecond // a rule is asked at each change of the pool anyway
	MinProposeTimeout  = 10 * time.Millisecond
)

// Check says what is wrong with the config, if anything is.
func (c *Config) Check() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("config: name is missing: it must be this validator's name")
	case c.Listen.API == "" || c.Listen.P2P == "":
		return fmt.Errorf("config: listen.api and listen.p2p are needed, each as host:port")
	case c.Builder.When == "":
		return fmt.Errorf("config: builder.when is missing: it must be a rule such as \"pool.size >= 3\"")
	case time.Duration(c.Builder.Interval) < MinBuilderInterval:
		return fmt.Errorf("config: builder.interval is %v: it must be at least %v", time.Duration(c.Builder.Interval), MinBuilderInterval)
	case c.Builder.MaxRecords < 1 || c.Builder.MaxRecords > types.MaxBlockRecords:
		return fmt.Errorf("config: builder.maxRecords is %d: it must be 1 to %d", c.Builder.MaxRecords, types.MaxBlockRecords)
	case c.Builder.MaxBytes < types.MaxRecordBytes || c.Builder.MaxBytes > types.MaxBlockBytes:
		return fmt.Errorf("config: builder.maxBytes is %d: it must be %d to %d", c.Builder.MaxBytes, types.MaxRecordBytes, types.MaxBlockBytes)
	case time.Duration(c.Consensus.ProposeTimeout) < MinProposeTimeout:
		return fmt.Errorf("config: consensus.proposeTimeout is %v: it must be at least %v", time.Duration(c.Consensus.ProposeTimeout), MinProposeTimeout)
	case c.Storage.KeepBlocks > 0 && c.Storage.KeepBlocks < MinKeepBlocks:
		return fmt.Errorf("config: storage.keepBlocks is %d: it must be 0, which keeps all, or at least %d", c.Storage.KeepBlocks, MinKeepBlocks)
	}
	if _, err := c.Level(); err != nil {
		return err
	}
	if err := c.Listen.check(); err != nil {
		return err
	}
	return c.checkPeers()
}

func (l Listen) check() error {
	for _, a := range []struct{ field, address string }{{"p2p", l.P2P}, {"api", l.API}, {"console", l.Console}, {"metrics", l.Metrics}} {
		if a.address != "" && !isAddress(a.address) {
			return fmt.Errorf("config: listen.%s is %.256q: it must be host:port, such as \"127.0.0.1:9000\", or :port for all addresses", a.field, a.address)
		}
	}
	return nil
}

// isAddress tells whether text is host:port. The host may be empty, the port a
// number or the name of a service.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return false
	}
	number, err := strconv.Atoi(port)
	return err != nil || number >= 0 && number <= 1<<16-1
}

// Level returns the log level.
func (c *Config) Level() (slog.Level, error) {
	level := slog.LevelInfo
	if c.LogLevel == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return level, fmt.Errorf("config: logLevel is %.64q: it must be debug, info, warn or error", c.LogLevel)
	}
	return level, nil
}

func (c *Config) checkPeers() error {
	if len(c.Peers) > types.MaxValidators {
		return fmt.Errorf("config: %d peers: at most %d", len(c.Peers), types.MaxValidators)
	}
	seen := map[types.PublicKey]bool{}
	for i, p := range c.Peers {
		if p.Key.IsZero() || p.Address == "" {
			return fmt.Errorf("config: peers[%d] (%s): key and address are needed", i, clip(p.Name))
		}
		if !isAddress(p.Address) || p.Address[0] == ':' {
			return fmt.Errorf("config: peers[%d] (%s): address is %.256q: it must be host:port, such as \"10.0.0.7:9100\"", i, clip(p.Name), p.Address)
		}
		if seen[p.Key] {
			return fmt.Errorf("config: peers[%d] (%s): its key is there twice", i, clip(p.Name))
		}
		seen[p.Key] = true
	}
	return nil
}

// clip is a name as an error shows it: as it is, or quoted in part where it can
// be no validator's.
func clip(name string) string {
	if name == "" || types.CheckName(name) == nil {
		return name
	}
	return fmt.Sprintf("%.64q", name)
}
