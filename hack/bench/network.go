package main

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
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

// dataDir is the folder of a node's data, in its own.
const dataDir = "data"

// design is a network before it runs: what stays the same from one run to the
// next, so that transfers signed once are good for all of them.
type design struct {
	binary    string // the node's program
	name      string
	spec      v1alpha1.PosNetworkSpec
	names     []string
	keys      map[string]config.Keys
	authority types.PublicKey
	time      types.Time
	nonce     types.Hash
}

// newDesign reads a manifest and gives its ledger the accounts. The schema
// allows fewer of them in a manifest, whose size etcd bounds.
func newDesign(path, binary string, a *accounts) (*design, error) {
	m, err := manifest.Load(path)
	if err != nil {
		return nil, err
	}
	d := &design{
		binary: binary, name: m.Name, spec: m.Spec, names: plan.Names(&m.Spec), keys: map[string]config.Keys{},
		authority: types.GenerateKey().Public(), time: types.TimeOf(time.Now()),
		nonce: types.Hash(types.GenerateKey().Public()),
	}
	if len(d.names) != nodeCount {
		return nil, fmt.Errorf("%s has %d validators: the benchmark is of %d", path, len(d.names), nodeCount)
	}
	d.spec.Ledger.Accounts = a.funded()
	for _, name := range d.names {
		d.keys[name] = config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	}
	return d, nil
}

// topology plans the network on free ports of this machine.
func (d *design) topology(ports []string) (*plan.Topology, error) {
	in := plan.Input{
		Name: d.name, Spec: &d.spec, Keys: map[string]plan.Keys{}, Sites: map[string]plan.Site{},
		Authority: d.authority, Time: d.time, Nonce: d.nonce, LogLevel: "warn",
	}
	for i, name := range d.names {
		p2p, api := ports[2*i], ports[2*i+1]
		in.Sites[name] = plan.Site{Listen: config.Listen{P2P: p2p, API: api}, Dial: p2p, DataDir: dataDir}
		in.Keys[name] = plan.Keys{Sign: d.keys[name].Sign.Public(), VRF: d.keys[name].VRF.Public()}
	}
	return plan.New(in)
}

// network returns the id that signatures bind; ports are no part of it.
func (d *design) network() (types.Hash, error) {
	none := make([]string, 2*len(d.names))
	for i := range none {
		none[i] = "127.0.0.1:" + strconv.Itoa(1+i)
	}
	t, err := d.topology(none)
	if err != nil {
		return types.Hash{}, err
	}
	return t.Genesis.Network(), nil
}

// write puts the files of a new chain into dir and returns its nodes, which do
// not run yet.
func (d *design) write(dir string) ([]*process, error) {
	ports, err := freePorts(2 * len(d.names))
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
	var out []*process
	for _, n := range t.Nodes {
		p := &process{name: n.Name, dir: filepath.Join(dir, n.Name), api: n.Config.Listen.API}
		if err := os.MkdirAll(p.dir, 0o700); err != nil {
			return nil, err
		}
		configPath, keysPath := filepath.Join(p.dir, "config.json"), filepath.Join(p.dir, "keys.json")
		if err := os.WriteFile(configPath, n.Config.Encode(), 0o644); err != nil {
			return nil, err
		}
		if err := os.WriteFile(keysPath, d.keys[n.Name].Encode(), 0o600); err != nil {
			return nil, err
		}
		p.command = []string{d.binary, "--genesis", genesisPath, "--config", configPath, "--keys", keysPath}
		out = append(out, p)
	}
	return out, nil
}

// freePorts returns addresses that nothing listens on at this moment. Another
// program may take one before a node does; the node then says so.
func freePorts(n int) ([]string, error) {
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

// buildNode compiles the node's program into dir.
func buildNode(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "node")
	c := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/posnet/posnet/cmd/node")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("the node's program cannot be built: %w", err)
	}
	return path, nil
}
