package nodes

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

const (
	// dataDir is the folder of a node's data, in its own.
	dataDir = "data"
	// portsPerNode are for its peers, its clients and its metrics.
	portsPerNode = 3
)

// Design is a network before it runs: what stays the same from one run to the
// next, so that transfers signed once are good for all of them.
type Design struct {
	Names []string // of the validators
	Keys  map[string]config.Keys

	binary    string // the node's program
	name      string
	spec      v1alpha1.PosNetworkSpec
	authority types.PublicKey
	time      types.Time
	nonce     types.Hash
}

// NewDesign makes the keys of a network whose nodes run the program binary, which
// see Build. Its ledger may have more accounts than a manifest's, whose size etcd
// bounds.
func NewDesign(name string, spec v1alpha1.PosNetworkSpec, binary string) *Design {
	d := &Design{
		Names: plan.Names(&spec), Keys: map[string]config.Keys{}, binary: binary, name: name, spec: spec,
		authority: types.GenerateKey().Public(), time: types.TimeOf(time.Now()),
		nonce: types.Hash(types.GenerateKey().Public()),
	}
	for _, name := range d.Names {
		d.Keys[name] = config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	}
	return d
}

// topology plans the network on free ports of this machine.
func (d *Design) topology(ports []string) (*plan.Topology, error) {
	in := plan.Input{
		Name: d.name, Spec: &d.spec, Keys: map[string]plan.Keys{}, Sites: map[string]plan.Site{},
		Authority: d.authority, Time: d.time, Nonce: d.nonce, LogLevel: "warn",
	}
	for i, name := range d.Names {
		p2p, api, metrics := ports[portsPerNode*i], ports[portsPerNode*i+1], ports[portsPerNode*i+2]
		in.Sites[name] = plan.Site{Listen: config.Listen{P2P: p2p, API: api, Metrics: metrics}, Dial: p2p, DataDir: dataDir}
		in.Keys[name] = plan.Keys{Sign: d.Keys[name].Sign.Public(), VRF: d.Keys[name].VRF.Public()}
	}
	return plan.New(in)
}

// Network returns the id that signatures bind; ports are no part of it.
func (d *Design) Network() (types.Hash, error) {
	none := make([]string, portsPerNode*len(d.Names))
	for i := range none {
		none[i] = "127.0.0.1:" + strconv.Itoa(1+i)
	}
	t, err := d.topology(none)
	if err != nil {
		return types.Hash{}, err
	}
	return t.Genesis.Network(), nil
}

// Write puts the files of a new chain into dir and returns its nodes, in the order
// of Names, which do not run yet.
func (d *Design) Write(dir string) (All, error) {
	ports, err := FreePorts(portsPerNode * len(d.Names))
	if err != nil {
		return nil, err
	}
	t, err := d.topology(ports)
	if err != nil {
		return nil, err
	}
	genesisPath := filepath.Join(dir, "genesis.json")
	if err := os.WriteFile(genesisPath, t.Genesis.Encode(), 0o644); err != nil {
		return nil, err
	}
	var out All
	for _, n := range t.Nodes {
		p := &Process{Name: n.Name, Dir: filepath.Join(dir, n.Name), API: n.Config.Listen.API, Metrics: n.Config.Listen.Metrics}
		p.Setup = Setup{t.Genesis, n.Config, d.Keys[n.Name]}
		if err := os.MkdirAll(p.Dir, 0o700); err != nil {
			return nil, err
		}
		configPath, keysPath := filepath.Join(p.Dir, "config.json"), filepath.Join(p.Dir, "keys.json")
		if err := os.WriteFile(configPath, n.Config.Encode(), 0o644); err != nil {
			return nil, err
		}
		if err := os.WriteFile(keysPath, d.Keys[n.Name].Encode(), 0o600); err != nil {
			return nil, err
		}
		p.Command = []string{d.binary, "--genesis", genesisPath, "--config", configPath, "--keys", keysPath}
		p.Dial = func(ctx context.Context) (Asker, error) { return d.dial(ctx, p) }
		out = append(out, p)
	}
	return out, nil
}

// Data is the folder of a node's data.
func (p *Process) Data() string { return filepath.Join(p.Dir, dataDir) }

// FreePorts returns addresses that nothing listens on at this moment. Another
// program may take one before a node does; the node then says so.
func FreePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free port on 127.0.0.1: %w", err)
		}
		defer l.Close() // all at the end, so that none comes twice
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// Build compiles the node's program into dir.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "node")
	c := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/posnet/posnet/cmd/node")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("the node's program cannot be built: %w", err)
	}
	return path, nil
}
