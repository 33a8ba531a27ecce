package replay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// at is the index of the block that most corruptions change: height 17, with
// records, a full certificate and round 0.
const at = 16

// corruption is one thing that is wrong with a chain, and what is to be said.
type corruption struct {
	change func(blocks []forge.Block) []forge.Block
	height uint64
	where  string
}

// headerOf changes the header of a block, which a quorum then certifies.
func headerOf(where string, change func(h *types.Header)) corruption {
	return corruption{func(blocks []forge.Block) []forge.Block {
		change(&blocks[at].Header)
		blocks[at].Reseal()
		return blocks
	}, at + 1, where}
}

// recordsOf changes the records of a block, which a quorum then certifies.
func recordsOf(where string, change func(records []*types.Record) []*types.Record) corruption {
	return corruption{func(blocks []forge.Block) []forge.Block {
		b := blocks[at]
		b.Records = change(b.Records)
		b.Reseal()
		return blocks
	}, at + 1, where}
}

// certificateOf changes a certificate and nothing else.
func certificateOf(where string, change func(c *types.Certificate)) corruption {
	return corruption{func(blocks []forge.Block) []forge.Block {
		change(blocks[at].Certificate)
		return blocks
	}, at + 1, where}
}

func flip(b []byte) { b[len(b)/2] ^= 4 }

func corruptions(made *forge.Chain) map[string]corruption {
	alice, carol := forge.Key("alice").Public(), forge.Key("carol").Public()
	other := func(k types.PublicKey) types.PublicKey {
		if k == alice {
			return carol
		}
		return alice
	}
	return map[string]corruption{
		"another network": headerOf("header.network", func(h *types.Header) { flip(h.Network[:]) }),
		"another height":  headerOf("header.height", func(h *types.Header) { h.Height++ }),
		"another parent":  headerOf("header.prev", func(h *types.Header) { flip(h.Prev[:]) }),
		"a time before the parent's": headerOf("header.time", func(h *types.Header) {
			h.Time = made.Blocks[at-1].Header.Time - 1
		}),
		"another digest of the state": headerOf("header.state", func(h *types.Header) { flip(h.State[:]) }),
		"other validators":            headerOf("header.validators", func(h *types.Header) { flip(h.Validators[:]) }),
		"other next validators":       headerOf("header.nextValidators", func(h *types.Header) { flip(h.NextValidators[:]) }),
		"a winner who was not drawn":  headerOf("header.winner", func(h *types.Header) { h.Winner = other(h.Winner) }),
		"a winner and proposer who was not drawn": headerOf("header.winner", func(h *types.Header) {
			h.Winner = other(h.Winner)
			h.Proposer = h.Winner
		}),
		"a round that drew another":   headerOf("header.winner", func(h *types.Header) { h.Round = 1 }),
		"a proposer who did not win":  headerOf("header.proposer", func(h *types.Header) { h.Proposer = other(h.Proposer) }),
		"a proof of another height":   headerOf("header.proof", func(h *types.Header) { h.Proof = made.Blocks[at-1].Header.Proof }),
		"a proof of no point":         headerOf("header.proof", func(h *types.Header) { h.Proof = types.VRFProof{1: 0xff, 2: 3} }),
		"a proof with another scalar": headerOf("header.proof", func(h *types.Header) { h.Proof[70] ^= 1 }),

		"a time that nobody signed": {func(blocks []forge.Block) []forge.Block {
			blocks[at].Header.Time++
			return blocks
		}, at + 1, "certificate.block"},

		"a record less": {func(blocks []forge.Block) []forge.Block {
			blocks[at].Records = blocks[at].Records[1:]
			return blocks
		}, at + 1, "header.records"},
		"records in another order": {func(blocks []forge.Block) []forge.Block {
			slices.Reverse(blocks[at].Records)
			return blocks
		}, at + 1, "header.recordsRoot"},
		"another record": {func(blocks []forge.Block) []forge.Block {
			blocks[at].Records[0] = blocks[at+1].Records[0]
			return blocks
		}, at + 1, "header.recordsRoot"},
		"a record with another signature": recordsOf("records[0]", func(list []*types.Record) []*types.Record {
			r := copyOf(list[0])
			flip(r.Signature[:])
			list[0] = r.Seal()
			return list
		}),
		"a record of a larger amount": recordsOf("records[0]", func(list []*types.Record) []*types.Record {
			r := copyOf(list[0])
			r.Amount++
			list[0] = r.Seal()
			return list
		}),
		"a record that comes again": recordsOf("records[0]", func(list []*types.Record) []*types.Record {
			return []*types.Record{made.Blocks[at-1].Records[0]}
		}),
		"a nonce left out": recordsOf("records[0]", func(list []*types.Record) []*types.Record {
			return []*types.Record{made.Blocks[at+1].Records[0]}
		}),
		"a mint beyond what the faucet gives": recordsOf("records[1]", func(list []*types.Record) []*types.Record {
			r := copyOf(list[1])
			r.Amount = made.Genesis.Params.FaucetMax + 1
			list[1] = r.Seal()
			return list
		}),
		"a mint of more, though allowed": {func(blocks []forge.Block) []forge.Block {
			r := copyOf(blocks[at].Records[1])
			r.Amount++
			blocks[at].Records[1] = r.Seal()
			blocks[at].Reseal() // valid by itself, but not what the blocks after it follow upon
			return blocks
		}, at + 2, "header.prev"},
		"an overdraft": recordsOf("records[0]", func(list []*types.Record) []*types.Record {
			r := copyOf(list[0])
			r.Amount = 1 << 40
			list[0] = r.Sign(made.Genesis.Network(), forge.Key("anna"))
			return list
		}),

		"a certificate of another height": certificateOf("certificate.height", func(c *types.Certificate) { c.Height++ }),
		"a certificate of another round":  certificateOf("certificate", func(c *types.Certificate) { c.Round++ }),
		"a certificate of another block":  certificateOf("certificate.block", func(c *types.Certificate) { flip(c.Block[:]) }),
		"a certificate with a wrong signature": certificateOf("certificate", func(c *types.Certificate) {
			flip(c.Signatures[1].Signature[:])
		}),
		"a certificate with a stranger": certificateOf("certificate", func(c *types.Certificate) {
			c.Signatures[1].Validator = forge.Key("anna").Public()
		}),
		"a certificate that counts one twice": certificateOf("certificate", func(c *types.Certificate) {
			c.Signatures[1] = c.Signatures[0]
		}),
		"a certificate of too little stake": certificateOf("certificate", func(c *types.Certificate) { c.Signatures = c.Signatures[:1] }),
		"a certificate of nobody":           certificateOf("certificate", func(c *types.Certificate) { c.Signatures = nil }),

		"a block missing": {func(blocks []forge.Block) []forge.Block {
			return slices.Delete(blocks, at, at+1)
		}, at + 1, "header.height"},
		"the first block missing": {func(blocks []forge.Block) []forge.Block { return blocks[1:] }, 1, "header.height"},
		"two blocks swapped": {func(blocks []forge.Block) []forge.Block {
			blocks[at], blocks[at+1] = blocks[at+1], blocks[at]
			return blocks
		}, at + 1, "header.height"},
		"a block twice": {func(blocks []forge.Block) []forge.Block {
			return slices.Insert(blocks, at, blocks[at])
		}, at + 2, "header.height"},
	}
}

func copyOf(r *types.Record) *types.Record {
	out := *r
	return &out
}

// Whatever is wrong with a chain is found at the height where it is, and the
// part at fault is named.
func TestCorruptions(t *testing.T) {
	made := forge.Lively()
	for name, c := range corruptions(made) {
		t.Run(name, func(t *testing.T) {
			blocks := make([]forge.Block, len(made.Blocks))
			for i, b := range made.Blocks {
				blocks[i] = b.Clone()
			}
			tally, _, err := run(t, made.Genesis, c.change(blocks))
			f := faultOf(t, err)
			if f.Height != c.height || f.Where != c.where {
				t.Errorf("found %q, want height %d, %s", f, c.height, c.where)
			}
			if tally.Blocks != c.height-1 {
				t.Errorf("%d blocks were found sound, want those below height %d", tally.Blocks, c.height)
			}
		})
	}
}

// The genesis of another network, or one with a single thing changed, has none
// of the blocks.
func TestAnotherGenesis(t *testing.T) {
	made := forge.Lively()
	for name, change := range map[string]func(g *genesis.Genesis){
		"name":    func(g *genesis.Genesis) { g.Name += "x" },
		"time":    func(g *genesis.Genesis) { g.Time += types.Time(time.Second) },
		"nonce":   func(g *genesis.Genesis) { flip(g.Nonce[:]) },
		"reward":  func(g *genesis.Genesis) { g.Params.BlockReward++ },
		"stake":   func(g *genesis.Genesis) { g.Validators[0].Stake++ },
		"balance": func(g *genesis.Genesis) { g.Accounts[0].Balance++ },
	} {
		g := *made.Genesis
		g.Validators, g.Accounts = slices.Clone(g.Validators), slices.Clone(g.Accounts)
		change(&g)
		_, _, err := run(t, &g, made.Blocks)
		if f := faultOf(t, err); f.Height != 1 || f.Where != "header.network" {
			t.Errorf("another %s: found %q, want height 1, header.network", name, f)
		}
	}
}
