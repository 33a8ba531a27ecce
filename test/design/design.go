// Package design turns a manifest into all that a network's nodes start from,
// before anything runs: keys, genesis, and the two files of each node, made by
// the planner that laptop and cluster use.
package design

import (
	"path/filepath"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

// Design is a network before it runs: what stays the same wherever, and on
// whatever ports, its nodes are started.
type Design struct {
	Name      string
	Spec      v1alpha1.PosNetworkSpec // with its defaults filled in
	Keys      map[string]config.Keys  // by validator
	Authority types.PrivateKey        // signs changes of stake
	Time      types.Time              // of height 0
	Nonce     types.Hash              // zero until the first topology: it is fixed after the keys
	LogLevel  string                  // of all nodes; empty for info
}

// New designs a network. Its spec may still be changed until the first topology
// is made: that is when the validators get their keys.
func New(m *v1alpha1.PosNetwork) *Design {
	return &Design{
		Name: m.Name, Spec: m.Spec, Keys: map[string]config.Keys{}, Authority: types.GenerateKey(),
		Time: types.TimeOf(time.Now()),
	}
}

// NewKeys returns the keys of a validator.
func NewKeys() config.Keys { return config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()} }

// samples is where the manifests are for a test, which runs in its package's
// folder, two below the module's.
const samples = "../../config/samples"

// Sample designs the network of a manifest under config/samples, such as
// "classroom". It is for the tests in the folders beside this one.
func Sample(name string) (*Design, error) {
	m, err := manifest.Load(filepath.Join(samples, name+".yaml"))
	if err != nil {
		return nil, err
	}
	return New(m), nil
}

// Names returns the validators' names in the manifest's order.
func (d *Design) Names() []string { return plan.Names(&d.Spec) }

// Topology plans the network with each validator at its site.
func (d *Design) Topology(sites map[string]plan.Site) (*plan.Topology, error) {
	for _, name := range d.Names() {
		if _, there := d.Keys[name]; !there {
			d.Keys[name] = NewKeys()
		}
	}
	if d.Nonce.IsZero() {
		d.Nonce = types.Hash(types.GenerateKey().Public())
	}
	in := plan.Input{
		Name: d.Name, Spec: &d.Spec, Sites: sites, Keys: map[string]plan.Keys{},
		Authority: d.Authority.Public(), Time: d.Time, Nonce: d.Nonce, LogLevel: d.LogLevel,
	}
	for name, k := range d.Keys {
		in.Keys[name] = plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
	}
	return plan.New(in)
}
