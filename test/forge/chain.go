// Package forge makes whole chains in code, for tests: valid ones by the
// ledger's own rules, with real keys, proofs and certificates, and then
// whatever a test wants to be wrong. All of it follows from names, so that it
// is the same in each run.
package forge

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// Begin is the time of every forged genesis.
const Begin types.Time = 1_700_000_000_000_000_000

// keys are those that were made already, by name: to make one takes longer than
// to sign with it.
var keys sync.Map

// Key returns the key that grows from a name.
func Key(name string) types.PrivateKey {
	if key, made := keys.Load(name); made {
		return key.(types.PrivateKey)
	}
	key := types.NewPrivateKey([32]byte(types.SumHash([]byte("forge"), []byte(name))))
	keys.Store(name, key)
	return key
}

// KeysOf returns a validator's two keys.
func KeysOf(name string) config.Keys { return config.Keys{Sign: Key(name), VRF: Key(name + "'s VRF")} }

// Block is a block with its certificate.
type Block struct {
	*types.Block
	Certificate *types.Certificate
	Set         *types.ValidatorSet  // of its height
	Following   *types.ValidatorSet  // of the height above
	Seed        lottery.Seed         // of its height
	Drawn       []ledger.Participant // who took part in its height's draw
	Changes     []ledger.Change      // of the state, for a disk
}

// Clone is a copy that a test may change. Records are shared: they are replaced.
func (b Block) Clone() Block {
	block, cert := *b.Block, *b.Certificate
	block.Records, cert.Signatures = slices.Clone(block.Records), slices.Clone(cert.Signatures)
	b.Block, b.Certificate = &block, &cert
	return b
}

// Reseal makes header and certificate fit the block's records and header again,
// signed by all validators of its height: a forgery that a quorum is in on.
func (b Block) Reseal() {
	h := &b.Header
	h.Records, h.RecordsRoot = uint32(len(b.Records)), types.MerkleRoot(b.IDs())
	*b.Certificate = *certify(h.Network, h.Height, h.Hash(), b.Set, Plan{Round: b.Certificate.Round})
}

// Chain is a valid chain, as far as it was made.
type Chain struct {
	Genesis *genesis.Genesis
	Blocks  []Block
	State   *ledger.State
	Next    *validity.Next

	network types.Hash
	names   map[types.PublicKey]string
	nonces  map[types.PublicKey]uint64
}

// Genesis returns the genesis of a network of these validators, with open
// accounts, faucet, guests, and rich accounts for the people named.
func Genesis(stakes map[string]uint64, people ...string) *genesis.Genesis {
	g := &genesis.Genesis{
		Name: "forged", Time: Begin, Nonce: types.SumHash([]byte("nonce")), Authority: Key("authority").Public(),
		Params: genesis.Params{
			OpenAccounts: true, BlockReward: 1, Faucet: true, FaucetMax: 1_000_000,
			Guests: true, MaxGuests: 10, MaxGuestWeight: 1000,
		},
	}
	for _, name := range sorted(stakes) {
		keys := KeysOf(name)
		g.Validators = append(g.Validators, genesis.Validator{
			Name: name, Key: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: stakes[name],
		})
	}
	for _, name := range people {
		g.Accounts = append(g.Accounts, genesis.Account{Account: Account(name), Balance: 1 << 30})
	}
	return g
}

// New returns the chain of a genesis, at height 0. The genesis must be of
// validators that have their keys of KeysOf.
func New(g *genesis.Genesis) *Chain {
	state, err := ledger.New(g)
	must(err)
	next, err := validity.After(state, validity.GenesisHead(g))
	must(err)
	c := &Chain{Genesis: g, network: state.Network(), State: state, Next: next, names: map[types.PublicKey]string{}, nonces: map[types.PublicKey]uint64{}}
	for _, v := range g.Validators {
		c.names[v.Key] = v.Name
	}
	return c
}

// Plan says how a block is made. The zero Plan is the usual.
type Plan struct {
	Round   uint32        // whose winner makes it
	After   time.Duration // since the parent; 0 stands for a second
	Signers []string      // of the certificate; nil: all validators
	Voted   uint32        // the certificate's round, if later than Round
}

// Add makes the next block.
func (c *Chain) Add(records ...*types.Record) Block { return c.AddAs(Plan{}, records...) }

// AddAs makes the next block by a plan.
func (c *Chain) AddAs(p Plan, records ...*types.Record) Block {
	if p.After == 0 {
		p.After = time.Second
	}
	b := &types.Block{Header: c.Next.Header(p.Round), Records: records}
	b.Header.Time = c.Next.Head.Time.Add(p.After)
	b.Header.Records, b.Header.RecordsRoot = uint32(len(records)), types.MerkleRoot(b.IDs())
	proof, output := c.prove(b.Header.Proposer)
	b.Header.Proof = proof
	verified := make([]types.VerifiedRecord, len(records))
	for i, r := range records {
		verified[i] = types.VouchRecord(r)
	}
	x, err := c.Next.Apply(b.Header, verified, output)
	must(err)
	out := Block{
		Block: b, Set: c.Next.Set, Following: c.Next.Following, Seed: c.Next.Seed, Drawn: c.Next.Participants, Certificate: certify(c.network, b.Header.Height, b.Header.Hash(), c.Next.Set, p),
		Changes: c.State.Commit(x.Delta),
	}
	c.Next, err = validity.After(c.State, validity.HeadOf(&b.Header))
	must(err)
	c.Blocks = append(c.Blocks, out)
	return out
}

// prove makes the beacon's proof of a proposer for the height under way.
func (c *Chain) prove(proposer types.PublicKey) (types.VRFProof, lottery.Output) {
	key, _ := lottery.NewVRFKey(KeysOf(c.names[proposer]).VRF.Seed())
	proof := lottery.Prove(key, c.Next.Seed, c.Next.Height)
	output, err := lottery.ProofToOutput(proof)
	must(err)
	return types.VRFProof(proof), output
}

// certify has validators of a set sign a block.
func certify(network types.Hash, height uint64, block types.Hash, set *types.ValidatorSet, p Plan) *types.Certificate {
	cert := &types.Certificate{Height: height, Round: max(p.Round, p.Voted), Block: block}
	message := types.VoteSignBytes(network, types.Precommit, cert.Height, cert.Round, block)
	for i := range set.Len() {
		v := set.At(i)
		if p.Signers == nil || slices.Contains(p.Signers, v.Name) {
			cert.Signatures = append(cert.Signatures, types.CertificateSignature{Validator: v.Key, Signature: Key(v.Name).Sign(message)})
		}
	}
	return cert
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("forge: %v", err)) // a test asked for a block that is not valid
	}
}
