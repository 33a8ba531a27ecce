// Package report says what a verification found: as text, as data, and as a
// picture.
package report

import (
	"slices"

	"github.com/posnet/posnet/node/fairness"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/verify"
)

// Report is what was found in one or several sources of one network.
type Report struct {
	Sound bool `json:"sound"` // nothing is wrong in what was verified
	// Complete reports whether that is all there is: every chain from its genesis on. Else
	// Chain.Unverified says what is left out.
	Complete bool    `json:"complete"`
	Network  Network `json:"network"`
	Chains   []Chain `json:"chains"` // the longest first
	// Fairness is the judgment over the draws of the longest chain's sound blocks.
	Fairness message.Fairness `json:"fairness"`

	Lottery lottery.Report `json:"-"`
	// Distribution is, at places evenly apart from 0 to 1, how large a part of the
	// draws fell below.
	Distribution []float64 `json:"-"`
}

// Network is whose chain it is, and why that is believed.
type Network struct {
	Name    string     `json:"name"`
	ID      types.Hash `json:"id"`
	Genesis string     `json:"genesis"` // where it was taken from
	Pinned  bool       `json:"pinned"`  // the person named the genesis or its id
}

// Chain is what was found in one source.
type Chain struct {
	Source     string            `json:"source"`
	From       uint64            `json:"from"`   // the first block that was verified: 1, unless the source lacks older ones
	Blocks     uint64            `json:"blocks"` // that are sound
	Height     uint64            `json:"height"` // of the newest sound block: all from From on are sound
	HeadHash   types.Hash        `json:"headHash"`
	HeadTime   message.Timestamp `json:"headTime"`
	Records    map[string]uint64 `json:"records"`    // in sound blocks, by type
	Signatures uint64            `json:"signatures"` // verified, of records and in certificates
	LateRounds uint64            `json:"lateRounds"` // blocks that the first one drawn did not make
	Handovers  uint64            `json:"handovers"`  // heights with other validators than the one before
	State      *State            `json:"state,omitempty"`
	// DrawsFrom is the first block whose draw was recomputed; 0 for none.
	DrawsFrom uint64 `json:"drawsFrom"`
	// StateFrom is the first block whose records were applied to the state before it; 0 for
	// none. From there on balances, nonces and digests were verified.
	StateFrom  uint64          `json:"stateFrom"`
	RestsOn    string          `json:"restsOn,omitempty"`    // why the first block is believed, where it is not block 1
	Unverified []string        `json:"unverified,omitempty"` // what was not verified, a sentence each
	Trusted    bool            `json:"trusted,omitempty"`    // the block that the person trusts is here
	Fault      *validity.Fault `json:"fault,omitempty"`
	Seconds    float64         `json:"seconds"`
}

// State is what all blocks lead to.
type State struct {
	Digest   types.Hash `json:"digest"`
	Accounts int        `json:"accounts"` // that hold something, or signed something
	Minted   uint64     `json:"minted"`   // tokens; the sum of all balances
}

// New makes the report of what All found.
func New(g *genesis.Genesis, from string, pinned bool, found []verify.One) *Report {
	r := &Report{Sound: true, Complete: true, Network: Network{Name: g.Name, ID: g.Network(), Genesis: from, Pinned: pinned}}
	for i, one := range found {
		if i == 0 {
			r.Lottery, r.Distribution = one.Tally.Audit().Report(), one.Tally.Audit().Distribution(curvePoints)
			r.Fairness = fairness.Show(r.Lottery, one.Tally.Name)
			r.Fairness.From = max(1, one.Tally.Drawn)
		}
		c := chain(one)
		c.Unverified = unverified(g, one, found[0])
		r.Sound, r.Complete = r.Sound && one.Fault == nil, r.Complete && len(c.Unverified) == 0
		r.Chains = append(r.Chains, c)
	}
	return r
}

func chain(one verify.One) Chain {
	t := one.Tally
	c := Chain{
		Source: one.Source.Label(), From: t.From, Blocks: t.Blocks, DrawsFrom: t.Drawn, StateFrom: t.Applied, Trusted: one.Trusted, RestsOn: restsOn(one), Height: t.Head.Height, HeadHash: t.Head.Hash, HeadTime: message.Timestamp(t.Head.Time),
		Records: map[string]uint64{}, Signatures: t.Signed, LateRounds: t.Late, Handovers: t.Changes, Fault: one.Fault, Seconds: one.Took.Seconds(),
	}
	for kind, n := range t.Records {
		c.Records[kind.String()] = n
	}
	if one.State != nil {
		accounts, tokens := one.State.Supply()
		c.State = &State{Digest: one.State.Digest(), Accounts: accounts, Minted: tokens}
	}
	return c
}

// Fault returns the first chain at fault, nil if all are sound.
func (r *Report) Fault() *Chain {
	for i := range r.Chains {
		if r.Chains[i].Fault != nil {
			return &r.Chains[i]
		}
	}
	return nil
}

// Trusted reports whether the block that the person trusts is in one of the chains.
func (r *Report) Trusted() bool {
	return slices.ContainsFunc(r.Chains, func(c Chain) bool { return c.Trusted })
}
