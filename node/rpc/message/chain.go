package message

import (
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Pool answers op pool: the oldest records that wait for a block, in order of
// arrival. More is how many wait behind those shown.
type Pool struct {
	Pool []Item `json:"pool"`
	More int    `json:"more,omitempty"`
}

// Blocks answers op blocks. Next is the start from which the chain goes on.
type Blocks struct {
	Blocks []Block `json:"blocks"`
	Next   uint64  `json:"next"`
}

// Winner tells who won one height.
type Winner struct {
	Height    uint64          `json:"height"`
	Round     uint32          `json:"round"`
	Validator string          `json:"validator"`       // the name; of a guest, that of its host
	Guest     bool            `json:"guest,omitempty"` // the winner is a guest
	Key       types.PublicKey `json:"key"`             // the validator's key or the guest's session
	Hash      types.Hash      `json:"hash"`            // the block's
	Time      Timestamp       `json:"time"`
	Records   uint32          `json:"records"` // how many the block holds
}

// NewWinner returns the winner of a block; name is that of the proposer.
func NewWinner(h *types.Header, hash types.Hash, name string) Winner {
	return Winner{
		Height: h.Height, Round: h.Round, Validator: name, Guest: h.Winner != h.Proposer, Key: h.Winner,
		Hash: hash, Time: Timestamp(h.Time), Records: h.Records,
	}
}

// Winners answers op winners, the newest first.
type Winners struct {
	Winners []Winner `json:"winners"`
}

// RecordState is how far a record has come.
type RecordState string

// The states of a record the node knows of.
const (
	Pooled    RecordState = "pooled"    // waits for a block
	Committed RecordState = "committed" // is in a block, for good
	Dropped   RecordState = "dropped"   // was left out; the reason says why
)

// Record answers op record: the fate of one record.
type Record struct {
	ID     types.Hash  `json:"id"`
	State  RecordState `json:"state"`
	Height uint64      `json:"height,omitempty"` // committed: of its block; dropped: of the block it was tried for
	Index  uint32      `json:"index"`            // committed: its place in the block, from 0
	Reason string      `json:"reason,omitempty"` // dropped: why, one sentence
	Record *Item       `json:"record,omitempty"` // absent where only its fate is remembered
	Head   uint64      `json:"head"`             // the height of the newest block as of which this is so
}

// Balance answers op balance.
type Balance struct {
	Account types.Account `json:"account"`
	Balance uint64        `json:"balance"` // tokens, after the newest block
	// Nonce is the next number of the account after the newest block; PendingNonce
	// counts the account's records in the pool too. Both are 0 for open accounts.
	Nonce        uint64 `json:"nonce"`
	PendingNonce uint64 `json:"pendingNonce"`
	Head         uint64 `json:"head"` // the height of that block
}

// Proof answers op proof: that a record is in a committed block. It holds if
// the path leads from id to header.recordsRoot (RFC 6962), the header's hash is
// certificate.block, header.validators is the hash of the validators, and the
// certificate is that of a quorum of them. Check does the first three, Verify
// all for whoever trusts the validators.
type Proof struct {
	ID          types.Hash         `json:"id"`
	Height      uint64             `json:"height"`
	Index       uint32             `json:"index"`
	Count       uint32             `json:"count"` // records in the block
	Root        types.Hash         `json:"root"`
	Path        []types.Hash       `json:"path"` // from the leaf's sibling up
	Header      Header             `json:"header"`
	Certificate *types.Certificate `json:"certificate"`
	Validators  []types.Validator  `json:"validators"` // of the height
}

// Check verifies the path, and that header, certificate and validators belong
// to one block. That says nothing yet about whether there is such a block: see
// Verify.
func (p *Proof) Check() error {
	header, err := p.Header.Types()
	if err != nil {
		return err
	}
	switch {
	case p.Root != header.RecordsRoot || p.Count != header.Records || p.Height != header.Height:
		return fmt.Errorf("the proof of record %s names another root, count or height than its header", p.ID.Short())
	case p.Certificate == nil || p.Certificate.Block != header.Hash() || p.Certificate.Height != p.Height:
		return fmt.Errorf("the proof of record %s has a certificate of another block than its header", p.ID.Short())
	case !types.VerifyMerkleProof(p.Root, p.ID, int(p.Index), int(p.Count), p.Path):
		return fmt.Errorf("the proof of record %s: its path does not lead to the root", p.ID.Short())
	}
	set, err := types.NewValidatorSet(p.Validators)
	if err != nil {
		return fmt.Errorf("the proof of record %s: %w", p.ID.Short(), err)
	}
	if set.Hash() != header.Validators {
		return fmt.Errorf("the proof of record %s names other validators than its header binds", p.ID.Short())
	}
	return nil
}

// Verify checks that the record is in a block of a network: what Check checks,
// and that a quorum of a validator set certified the block. The set must be one
// that the caller trusts to be the network's at that height, by whatever it was
// told before it saw the proof; see package client/light for how to come to it
// from the genesis.
func (p *Proof) Verify(network types.Hash, trusted *types.ValidatorSet) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := certified(&p.Header, p.Certificate, network, trusted); err != nil {
		return fmt.Errorf("the proof of record %s: %w", p.ID.Short(), err)
	}
	return nil
}

// certified checks that a header is of a network, binds a set, and has a
// certificate of a quorum of that set.
func certified(h *Header, c *types.Certificate, network types.Hash, set *types.ValidatorSet) error {
	header, err := h.Types()
	switch {
	case err != nil:
		return err
	case header.Network != network:
		return fmt.Errorf("the block is of network %s, not of %s", header.Network, network)
	case header.Validators != set.Hash():
		return fmt.Errorf("the block of height %d is of other validators than those trusted", header.Height)
	case c == nil || c.Height != header.Height || c.Block != header.Hash():
		return fmt.Errorf("the certificate is not that of the block of height %d", header.Height)
	}
	return c.Verify(network, set)
}

// Handover is a height whose validators handed over to others: the next height
// has other validators, which the header binds and the certificate vouches for.
// Who trusts the validators of the height can trust those of the next.
type Handover struct {
	Header      Header             `json:"header"`
	Certificate *types.Certificate `json:"certificate"`
	Validators  []types.Validator  `json:"validators"` // of the next height
}

// Verify checks that a quorum of a set that is trusted for the height handed
// over, and returns the validators of the next height.
func (h *Handover) Verify(network types.Hash, trusted *types.ValidatorSet) (*types.ValidatorSet, error) {
	if err := certified(&h.Header, h.Certificate, network, trusted); err != nil {
		return nil, fmt.Errorf("the handover at height %d: %w", h.Header.Height, err)
	}
	next, err := types.NewValidatorSet(h.Validators)
	if err != nil {
		return nil, fmt.Errorf("the handover at height %d: %w", h.Header.Height, err)
	}
	if next.Hash() != h.Header.NextValidators {
		return nil, fmt.Errorf("the handover at height %d names other validators than its header binds", h.Header.Height)
	}
	return next, nil
}

// Handovers answers op handovers, the oldest first.
type Handovers struct {
	Handovers []Handover `json:"handovers"`
}

// Evidence is two contradicting votes of one validator.
type Evidence struct {
	Validator types.PublicKey `json:"validator"`
	Name      string          `json:"name"`
	Height    uint64          `json:"height"`
	Round     uint32          `json:"round"`
	First     types.Vote      `json:"first"`
	Second    types.Vote      `json:"second"`
}

// EvidenceList answers op evidence, the newest first.
type EvidenceList struct {
	Evidence []Evidence `json:"evidence"`
}
