package forge

import (
	"maps"
	"slices"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// Usurped is the chain with another newest block, made by a stranger: on a state that
// has nobody but the stranger for a validator, who is drawn, wins, proves and certifies
// it alone. But for that all of it fits together, the stored state too.
func (c *Chain) Usurped(stranger string) *Chain {
	n := len(c.Blocks)
	keys := KeysOf(stranger)
	set, err := types.NewValidatorSet([]types.Validator{{Name: stranger, Key: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: 1}})
	must(err)
	below := c.Blocks[n-2]
	below.Changes = append(slices.Clone(below.Changes),
		ledger.Change{Key: []byte{'v', 1}, Value: set.Encode()}, ledger.Change{Key: []byte{'v', 2}, Value: set.Encode()})
	out := &Chain{
		Genesis: c.Genesis, Blocks: append(slices.Clone(c.Blocks[:n-2]), below),
		network: c.network, names: maps.Clone(c.names), nonces: maps.Clone(c.nonces),
	}
	out.names[keys.Sign.Public()] = stranger
	out.State = out.stateOf(out.Blocks)
	out.Next, err = validity.After(out.State, validity.HeadOf(&below.Header))
	must(err)
	out.Add()
	return out
}

// stateOf is the state that the changes of blocks lead to.
func (c *Chain) stateOf(blocks []Block) *ledger.State {
	first, err := ledger.New(c.Genesis)
	must(err)
	entries := map[string][]byte{}
	take := func(changes []ledger.Change) {
		for _, change := range changes {
			if entries[string(change.Key)] = change.Value; change.Value == nil {
				delete(entries, string(change.Key))
			}
		}
	}
	take(first.Entries())
	for _, b := range blocks {
		take(b.Changes)
	}
	state, err := ledger.Load(c.Genesis, func(yield func(key, value []byte) error) error {
		for key, value := range entries {
			if err := yield([]byte(key), value); err != nil {
				return err
			}
		}
		return nil
	})
	must(err)
	return state
}
