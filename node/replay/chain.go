package replay

import (
	"fmt"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// Opened is a block that is sound by itself.
type Opened struct {
	header      types.Header
	records     []types.VerifiedRecord
	certificate *types.Certificate
}

// Open checks what needs no chain: that the block is of the verifier's network,
// that it holds the records its header binds, and that these are signed by whom
// they say. It may be called by several goroutines at once.
func Open(v types.RecordVerifier, b *types.Block, c *types.Certificate) (*Opened, error) {
	if err := validity.CheckNetwork(&b.Header, v.Network); err != nil {
		return nil, err
	}
	if err := validity.CheckBody(b); err != nil {
		return nil, err
	}
	records, errs := v.Verify(b.Records)
	if err := validity.RecordsFault(b.Header.Height, errs); err != nil {
		return nil, err
	}
	return &Opened{header: b.Header, records: records, certificate: c}, nil
}

// Chain is a chain as far as it was recomputed. It is used by one goroutine at
// a time.
type Chain struct {
	genesis *genesis.Genesis
	state   *ledger.State // nil where it is not known
	sets    Sets          // where the state is not known
	next    *validity.Next
}

// Sets tells the validators of a height.
type Sets func(height uint64) *types.ValidatorSet

// New returns a chain that stands at genesis.
func New(g *genesis.Genesis) (*Chain, error) {
	state, err := ledger.New(g)
	if err != nil {
		return nil, err
	}
	next, err := validity.After(state, validity.GenesisHead(g))
	return &Chain{genesis: g, state: state, next: next}, err
}

// NewAt returns a chain that stands at a head, with the beacon's value of the height
// above it. The state that the head left is not known, so that records are only
// looked at by themselves, until Adopt brings it. The error is that of a draw which
// nobody can take part in.
func NewAt(g *genesis.Genesis, head validity.Head, seed lottery.Seed, sets Sets) (*Chain, error) {
	c := &Chain{genesis: g, sets: sets}
	return c, c.goOn(head, seed)
}

// goOn makes a head of which the state is not known the newest.
func (c *Chain) goOn(head validity.Head, seed lottery.Seed) (err error) {
	height := head.Height + 1
	c.next, err = validity.Stateless(c.genesis.Network(), head, c.sets(height), c.sets(height+1), seed, c.genesis.Params.Guests)
	return err
}

// Adopt takes a state for that after the newest block. Whether it is, the next block
// added tells by its header, which the validators certify: and so the state must not
// bring others than the chain leads to. An error of Adopt is one of the state alone.
func (c *Chain) Adopt(state *ledger.State) error {
	next, err := validity.After(state, c.next.Head)
	if err != nil {
		return err
	}
	if want, found := c.next.Set.Hash(), next.Set.Hash(); want != found {
		return fmt.Errorf("it has other validators for height %d than the chain leads to: expected those with hash %s, found %s", next.Height, want, found)
	}
	c.state, c.next = state, next
	return nil
}

// State is the state after the newest block, nil where it is not known. It must not
// be changed.
func (c *Chain) State() *ledger.State { return c.state }

// Next is the height above the newest block.
func (c *Chain) Next() *validity.Next { return c.next }

// Add makes a block the newest, if it follows: height, links, time, validators, the
// draw, and where the state is known digests and each record. Its proof and
// certificate are taken for good until the Step is verified. After an error nothing
// more can be added.
func (c *Chain) Add(b *Opened) (*Step, error) {
	n := c.next
	claim, err := n.CheckHeader(&b.header)
	if err != nil {
		return nil, err
	}
	output, err := claim.Presume()
	if err != nil {
		return nil, err
	}
	s := &Step{network: c.genesis.Network(), head: validity.HeadOf(&b.header), claim: claim, certificate: b.certificate, height: n}
	if s.block, err = c.apply(b, output); err != nil {
		return nil, err
	}
	if c.state == nil {
		err = c.goOn(s.head, lottery.NextSeed(n.Seed, n.Height, output))
	} else {
		c.next, err = validity.After(c.state, s.head)
	}
	if err != nil {
		return nil, &validity.Fault{Height: n.Height, Where: "records", What: fmt.Sprintf("they leave nobody to go on: %v", err)}
	}
	return s, nil
}

// apply brings the state, where it is known, to a block whose header was checked.
func (c *Chain) apply(b *Opened, output lottery.Output) (*types.Block, error) {
	if c.state == nil {
		return c.next.Block(b.header, b.records)
	}
	x, err := c.next.Apply(b.header, b.records, output)
	if err != nil {
		return nil, err
	}
	c.state.Commit(x.Delta)
	return x.Block, nil
}

// Step is a block that was added to a chain.
type Step struct {
	network     types.Hash
	block       *types.Block
	head        validity.Head // the block itself
	claim       validity.Claim
	certificate *types.Certificate
	height      *validity.Next // as it was before the block
}

// Head is the block's height, hash and time.
func (s *Step) Head() validity.Head { return s.head }

// Block is the block.
func (s *Step) Block() *types.Block { return s.block }

// Certificate is that of the block.
func (s *Step) Certificate() *types.Certificate { return s.certificate }

// Before is the height as it was before the block. Its draw is the chain's.
func (s *Step) Before() *validity.Next { return s.height }

// Records is how many records the block holds.
func (s *Step) Records() int { return len(s.block.Records) }

// Verify checks the beacon's proof and the certificate. It may be called by any
// goroutine, while others go on with the chain.
func (s *Step) Verify() error {
	if _, err := s.claim.Verify(); err != nil {
		return err
	}
	return validity.CheckCertificate(s.network, s.head.Height, s.head.Hash, s.height.Set, s.certificate)
}

// Stateful reports whether the records were applied to the state before the block.
func (s *Step) Stateful() bool { return s.height.Stateful() }

// draw is the draw that the block was won in, nil where it is not known who took part.
func (s *Step) draw() *lottery.Draw { return s.height.Draw }
