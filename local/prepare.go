package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/local/state"
	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// prepared is all that the nodes of a network start from.
type prepared struct {
	folder    *state.Folder
	genesis   *genesis.Genesis // that of the first run
	topology  *plan.Topology   // of the manifest as it is now
	keys      map[string]config.Keys
	authority types.PrivateKey
	departing []string // validators the manifest has no more and the chain may still count
}

// prepare brings the folder to what the manifest says. Whatever is wrong is
// found before anything is written, as far as it can be known.
func prepare(o Options) (*prepared, error) {
	if err := checkRules(o.Source, &o.Manifest.Spec); err != nil {
		return nil, err
	}
	folder, err := state.Open(o.Dir, o.Manifest.Name)
	if err != nil {
		return nil, err
	}
	p := &prepared{folder: folder, keys: map[string]config.Keys{}}
	if err := p.fill(o); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return p, nil
}

// checkRules compiles every builder rule, so that one that does not is told
// before anything starts.
func checkRules(source string, spec *v1alpha1.PosNetworkSpec) error {
	wrong := &manifest.Error{Source: source}
	checked := map[string]bool{}
	for _, v := range plan.Validators(spec) {
		if checked[v.RuleFrom] {
			continue
		}
		checked[v.RuleFrom] = true
		if _, err := builder.Compile(v.Builder.When); err != nil {
			wrong.Problems = append(wrong.Problems, manifest.Problem{Field: v.RuleFrom, Message: err.Error()})
		}
	}
	if len(wrong.Problems) > 0 {
		return wrong
	}
	return nil
}

func (p *prepared) fill(o Options) error {
	spec := &o.Manifest.Spec
	if o.Reset {
		if err := p.folder.Reset(); err != nil {
			return err
		}
	}
	var err error
	if p.genesis, err = p.folder.Genesis(); err != nil {
		return err
	}
	if p.genesis != nil {
		if err := p.checkSame(o); err != nil {
			return err
		}
	}
	names := plan.Names(spec)
	members, err := p.folder.Members()
	if err != nil {
		return err
	}
	for _, name := range members {
		if !slices.Contains(names, name) {
			p.departing = append(p.departing, name)
		}
	}
	names = append(names, p.departing...)
	sites, err := o.Ports.sites(names, spec.Console.Enabled)
	if err != nil {
		return err
	}
	if err := p.takeKeys(names, members); err != nil {
		return err
	}
	if p.topology, err = plan.New(p.input(o, sites)); err != nil {
		return err
	}
	return p.write(names)
}

// checkSame refuses a manifest that asks for what this network cannot become.
func (p *prepared) checkSame(o Options) error {
	differences, err := plan.Differences(p.genesis, o.Manifest.Name, &o.Manifest.Spec)
	if err != nil || len(differences) == 0 {
		return err
	}
	said := make([]string, len(differences))
	for i, d := range differences {
		said[i] = d.String()
	}
	return fmt.Errorf("%s: %s: the network in %s was made otherwise, and no running network can change that; put it back, start the network anew with --reset, or run another one with --dir",
		o.Source, strings.Join(said, "; "), p.folder.Path())
}

// takeKeys reads the keys of those that ran before, and makes keys for those
// that are new.
func (p *prepared) takeKeys(names, members []string) error {
	fresh := p.genesis == nil
	var err error
	if p.authority, err = p.folder.Authority(fresh); err != nil {
		return err
	}
	if !fresh && p.authority.Public() != p.genesis.Authority {
		return fmt.Errorf("authority.json in %s is not that of this network: put the right one back, or start the network anew with --reset", p.folder.Path())
	}
	for _, name := range names {
		ran := !fresh && slices.Contains(members, name)
		if ran || p.folder.HasKeys(name) {
			p.keys[name], err = p.folder.Keys(name)
		} else {
			p.keys[name], err = p.folder.MakeKeys(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *prepared) input(o Options, sites map[string]plan.Site) plan.Input {
	in := plan.Input{
		Name: o.Manifest.Name, Spec: &o.Manifest.Spec, Sites: sites, Keys: map[string]plan.Keys{},
		Authority: p.authority.Public(), Departing: p.departing, LogLevel: strings.ToLower(o.LogLevel.String()),
	}
	for name, k := range p.keys {
		in.Keys[name] = plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
	}
	if p.genesis != nil {
		in.Time, in.Nonce = p.genesis.Time, p.genesis.Nonce
		return in
	}
	in.Time = types.TimeOf(time.Now())
	rand.Read(in.Nonce[:]) // never fails: crypto/rand ends the program instead
	return in
}

// write notes who runs and with which config; the genesis of a new network
// last, which makes the folder whole.
func (p *prepared) write(names []string) error {
	for _, n := range p.topology.Nodes {
		if err := p.folder.WriteConfig(n.Config); err != nil {
			return err
		}
	}
	if err := p.folder.SetMembers(names); err != nil {
		return err
	}
	if p.genesis != nil {
		return nil
	}
	p.genesis = p.topology.Genesis
	return p.folder.WriteGenesis(p.genesis)
}
