package plan

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Difference is a field of the manifest that asks for another genesis than
// the one a network runs under.
type Difference struct {
	Field string // in the manifest
	Was   string
	Now   string
}

// String says the difference in one clause.
func (d Difference) String() string {
	return fmt.Sprintf("%s was %s and is now %s", d.Field, d.Was, d.Now)
}

// Differences lists what the manifest asks for that no running network can
// take on: its name, its rules of validity and the balances it started with.
// Validators and stakes are not among them: those change by stake records.
func Differences(was *genesis.Genesis, name string, spec *v1alpha1.PosNetworkSpec) ([]Difference, error) {
	accounts, err := accounts(spec)
	if err != nil {
		return nil, err
	}
	a, b := was.Params, params(spec)
	var out []Difference
	differ := func(field string, was, now any) {
		if was != now {
			out = append(out, Difference{field, fmt.Sprint(was), fmt.Sprint(now)})
		}
	}
	differ("metadata.name", was.Name, name)
	differ("spec.ledger.openAccounts", a.OpenAccounts, b.OpenAccounts)
	differ("spec.ledger.blockReward", a.BlockReward, b.BlockReward)
	differ("spec.faucet.enabled", a.Faucet, b.Faucet)
	if a.Faucet && b.Faucet {
		differ("spec.faucet.maxAmount", a.FaucetMax, b.FaucetMax)
	}
	differ("spec.console.guests", a.Guests, b.Guests)
	if a.Guests && b.Guests {
		differ("spec.console.maxGuests", a.MaxGuests, b.MaxGuests)
		differ("spec.console.maxBalance", a.MaxGuestWeight, b.MaxGuestWeight)
	}
	return append(out, accountDifferences(was.Accounts, accounts)...), nil
}

// accountDifferences names the first account whose balance differs: one is
// enough to say what is wrong, and there may be hundreds.
func accountDifferences(was, now []genesis.Account) []Difference {
	before, after := balances(was), balances(now)
	for _, a := range append(slices.Clone(was), now...) {
		if x, y := before[a.Account], after[a.Account]; x != y {
			field := fmt.Sprintf("spec.ledger.accounts (balance of %s)", a.Account)
			return []Difference{{field, fmt.Sprint(x), fmt.Sprint(y)}}
		}
	}
	return nil
}

func balances(accounts []genesis.Account) map[types.Account]uint64 {
	m := make(map[types.Account]uint64, len(accounts))
	for _, a := range accounts {
		m[a.Account] = a.Balance
	}
	return m
}

// StakeChange is one stake record to bring a chain to what its spec says.
type StakeChange struct {
	Name   string
	Key    types.PublicKey
	VRFKey types.PublicKey
	Was    uint64 // tokens; 0: no validator yet
	Stake  uint64 // tokens; 0: is removed
}

// Counted are the validators that a chain counts by its newest block, and so two
// heights later: those among what a node answers that stay.
func Counted(v message.Validators) []types.Validator {
	var out []types.Validator
	for _, one := range v.Validators {
		if one.Stake > 0 {
			out = append(out, types.Validator{Name: one.Name, Key: one.Key, VRFKey: one.VRFKey, Stake: one.Stake})
		}
	}
	return out
}

// StakeChanges lists the records that turn the validators a chain counts into
// those its spec wants: first stakes that fall, then those that rise and
// validators that join, then those that leave: in that order the chain is never
// without stake.
func StakeChanges(counted []types.Validator, wanted []genesis.Validator) []StakeChange {
	now := make(map[types.PublicKey]uint64, len(counted))
	for _, v := range counted {
		now[v.Key] = v.Stake
	}
	var falls, rises, leaves []StakeChange
	stays := make(map[types.PublicKey]bool, len(wanted))
	for _, w := range wanted {
		stays[w.Key] = true
		c := StakeChange{Name: w.Name, Key: w.Key, VRFKey: w.VRFKey, Was: now[w.Key], Stake: w.Stake}
		if c.Stake < c.Was {
			falls = append(falls, c)
		} else if c.Stake > c.Was {
			rises = append(rises, c)
		}
	}
	for _, v := range counted {
		if !stays[v.Key] {
			leaves = append(leaves, StakeChange{Name: v.Name, Key: v.Key, VRFKey: v.VRFKey, Was: v.Stake})
		}
	}
	slices.SortFunc(leaves, func(a, b StakeChange) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return append(append(falls, rises...), leaves...)
}

// Record returns the change as a stake record, which the network's authority
// has yet to give a time, its next nonce and its signature.
func (c StakeChange) Record() *types.Record {
	return &types.Record{Type: types.StakeChange, Validator: c.Key, VRFKey: c.VRFKey, Name: c.Name, Stake: c.Stake}
}

// String says the change in one clause.
func (c StakeChange) String() string {
	switch {
	case c.Was == 0:
		return fmt.Sprintf("%s joins with a stake of %d", c.Name, c.Stake)
	case c.Stake == 0:
		return fmt.Sprintf("%s leaves with its stake of %d", c.Name, c.Was)
	}
	return fmt.Sprintf("the stake of %s goes from %d to %d", c.Name, c.Was, c.Stake)
}
