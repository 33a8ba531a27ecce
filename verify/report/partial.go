package report

import (
	"fmt"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/verify"
)

// restsOn says why the first block of a chain that does not begin with block 1 is
// believed to be one of the network.
func restsOn(one verify.One) string {
	switch from, n := one.Tally.From, one.Handovers; {
	case from == 1 || one.Tally.Blocks == 0:
		return ""
	case n == 0:
		return fmt.Sprintf("the validators of the genesis, who are still those of block %d", from)
	case n == 1:
		return fmt.Sprintf("the validators of block %d, to whom those of the genesis handed over, certified by them", from)
	default:
		return fmt.Sprintf("the validators of block %d, to whom those of the genesis lead by %d handovers, each certified by the ones before", from, n)
	}
}

// unverified says what of a chain was not verified, beside the blocks from its fault
// on.
func unverified(g *genesis.Genesis, one, longest verify.One) []string {
	var out []string
	if one.Tally.From > 1 {
		out = older(g, one)
	}
	if one.Apart {
		out = append(out, fmt.Sprintf("whether it is the same chain as that of %s: they have no sound block in common", longest.Source.Label()))
	}
	return out
}

// older says it of a chain that does not begin with block 1.
func older(g *genesis.Genesis, one verify.One) []string {
	t := one.Tally
	out := []string{fmt.Sprintf("blocks 1 to %d: they are not here, because older blocks are not kept (storage.keepBlocks) or the node went on from a snapshot", t.From-1)}
	if t.Applied != t.From && t.Blocks > 0 {
		out = append(out, fmt.Sprintf("balances, nonces, the network's rules for records, and state digests of blocks %d to %d, which the validators vouch for: %s", t.From, stateless(one), one.Lacks))
		if g.Params.Guests {
			out = append(out, fmt.Sprintf("the draws of blocks %d to %d: guests may take part in them, and only the state tells who does", t.From, stateless(one)))
		}
	}
	return out
}

// stateless is the last block whose records were not applied to a state.
func stateless(one verify.One) uint64 {
	if one.Tally.Applied > 0 {
		return one.Tally.Applied - 1
	}
	return one.Tally.Head.Height
}
