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
	state *ledger.State
	next  *validity.Next
}

// New returns a chain that stands at genesis.
func New(g *genesis.Genesis) (*Chain, error) {
	state, err := ledger.New(g)
	if err != nil {
		return nil, err
	}
	next, err := validity.After(state, validity.GenesisHead(g))
	return &Chain{state: state, next: next}, err
}

// State is the state after the newest block. It must not be changed.
func (c *Chain) State() *ledger.State { return c.state }

// Next is the height above the newest block.
func (c *Chain) Next() *validity.Next { return c.next }

// Add makes a block the newest, if it follows: height, links, time, digests,
// validators, the draw, and each record. Its proof and certificate are taken
// for good until the Step is verified. After an error nothing more can be added.
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
	x, err := n.Apply(b.header, b.records, output)
	if err != nil {
		return nil, err
	}
	c.state.Commit(x.Delta)
	s := &Step{network: c.state.Network(), block: x.Block, claim: claim, certificate: b.certificate, height: n}
	s.head = validity.HeadOf(&b.header)
	if c.next, err = validity.After(c.state, s.head); err != nil {
		return nil, &validity.Fault{Height: n.Height, Where: "records", What: fmt.Sprintf("they leave nobody to go on: %v", err)}
	}
	return s, nil
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

// draw is the draw that the block was won in.
func (s *Step) draw() *lottery.Draw { return s.height.Draw }
