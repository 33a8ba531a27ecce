package plan

import (
	"fmt"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// Keys are the public halves of a validator's two keys.
type Keys struct {
	Sign types.PublicKey // signs votes, and is the validator's account
	VRF  types.PublicKey // proves the beacon
}

// Site is where a node lives: cluster DNS names, or ports of one machine.
type Site struct {
	Listen  config.Listen // what the node binds; console and metrics empty: off
	Dial    string        // host:port at which the other validators reach its p2p listener
	DataDir string        // the config's dataDir
}

// Input is all that a topology grows from.
type Input struct {
	Name      string                   // of the network
	Spec      *v1alpha1.PosNetworkSpec // with its defaults filled in
	Keys      map[string]Keys          // by the names of Names, and of Departing
	Sites     map[string]Site          // likewise
	Authority types.PublicKey          // signs changes of stake
	Time      types.Time               // of height 0
	Nonce     types.Hash               // fixed after the VRF keys
	// Departing names validators that the spec no longer has and the chain still
	// counts: they run on, under the network's rule, until they have left the chain.
	Departing []string
	LogLevel  string // of all nodes; empty for info
}

// Node is one node of a topology.
type Node struct {
	Name   string
	Stake  uint64 // by the spec, in tokens; 0 when departing
	Keys   Keys
	Config *config.Config
}

// Topology is what a network's nodes start from.
type Topology struct {
	Genesis *genesis.Genesis
	Nodes   []Node // in the manifest's order, those departing last
}

// New makes the topology. It is an error if a validator lacks keys or a site,
// or if a file it would write does not pass the check its reader makes.
func New(in Input) (*Topology, error) {
	validators := Validators(in.Spec)
	for _, name := range in.Departing {
		validators = append(validators, Validator{Name: name, Builder: builder(in.Spec.Builder)})
	}
	for _, v := range validators {
		if _, ok := in.Keys[v.Name]; !ok {
			return nil, fmt.Errorf("plan: validator %s has no keys", v.Name)
		}
		if _, ok := in.Sites[v.Name]; !ok {
			return nil, fmt.Errorf("plan: validator %s has no site", v.Name)
		}
	}
	g, err := newGenesis(in, validators)
	if err != nil {
		return nil, err
	}
	t := &Topology{Genesis: g}
	for _, v := range validators {
		c := newConfig(in, v, validators)
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("plan: validator %s: %w", v.Name, err)
		}
		t.Nodes = append(t.Nodes, Node{Name: v.Name, Stake: v.Stake, Keys: in.Keys[v.Name], Config: c})
	}
	return t, nil
}

func newConfig(in Input, v Validator, all []Validator) *config.Config {
	site := in.Sites[v.Name]
	c := &config.Config{
		Name:    v.Name,
		Key:     in.Keys[v.Name].Sign,
		DataDir: site.DataDir,
		Listen:  site.Listen,
		Builder: v.Builder,
		Consensus: config.Consensus{
			MinBlockInterval: duration(in.Spec.Consensus.MinBlockInterval.Duration),
			ProposeTimeout:   duration(in.Spec.Consensus.ProposeTimeout.Duration),
		},
		Storage:  config.Storage{KeepBlocks: uint64(in.Spec.Storage.KeepBlocks)},
		Peers:    []config.Peer{},
		LogLevel: in.LogLevel,
	}
	for _, other := range all {
		if other.Name != v.Name {
			c.Peers = append(c.Peers, config.Peer{Name: other.Name, Key: in.Keys[other.Name].Sign, Address: in.Sites[other.Name].Dial})
		}
	}
	return c
}

func newGenesis(in Input, validators []Validator) (*genesis.Genesis, error) {
	g := &genesis.Genesis{
		Name:      in.Name,
		Time:      in.Time,
		Nonce:     in.Nonce,
		Authority: in.Authority,
		Params:    params(in.Spec),
	}
	for _, v := range validators {
		if v.Stake == 0 {
			continue // departing: no part of a genesis
		}
		k := in.Keys[v.Name]
		g.Validators = append(g.Validators, genesis.Validator{Name: v.Name, Key: k.Sign, VRFKey: k.VRF, Stake: v.Stake})
	}
	var err error
	if g.Accounts, err = accounts(in.Spec); err != nil {
		return nil, err
	}
	return g, g.Check()
}

func accounts(spec *v1alpha1.PosNetworkSpec) ([]genesis.Account, error) {
	var out []genesis.Account
	for i, a := range spec.Ledger.Accounts {
		account, err := types.ParseAccount(a.Account)
		if err != nil {
			return nil, fmt.Errorf("spec.ledger.accounts[%d].account: %w", i, err)
		}
		out = append(out, genesis.Account{Account: account, Balance: uint64(a.Balance)})
	}
	return out, nil
}

// params are the network's rules of validity. Limits of what is off are left
// out (zero), so that to change them is no change of the network.
func params(spec *v1alpha1.PosNetworkSpec) genesis.Params {
	p := genesis.Params{
		OpenAccounts: spec.Ledger.OpenAccounts,
		BlockReward:  uint64(spec.Ledger.BlockReward),
	}
	if spec.Faucet.Enabled {
		p.Faucet, p.FaucetMax = true, uint64(spec.Faucet.MaxAmount)
	}
	if spec.Console.Enabled && spec.Console.Guests {
		p.Guests = true
		p.MaxGuests = uint32(spec.Console.MaxGuests)
		p.MaxGuestWeight = uint64(spec.Console.MaxBalance)
	}
	return p
}
