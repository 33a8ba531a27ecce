package types

import "fmt"

// VoteKind is prevote or precommit.
type VoteKind uint8

// The two votes of a round.
const (
	Prevote VoteKind = iota + 1
	Precommit
)

// String returns "prevote" or "precommit".
func (k VoteKind) String() string {
	switch k {
	case Prevote:
		return "prevote"
	case Precommit:
		return "precommit"
	}
	return fmt.Sprintf("vote kind %d", uint8(k))
}

// MarshalText implements encoding.TextMarshaler.
func (k VoteKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *VoteKind) UnmarshalText(b []byte) error {
	for _, kind := range []VoteKind{Prevote, Precommit} {
		if string(b) == kind.String() {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("%q is no kind of vote: it must be prevote or precommit", clip(string(b)))
}

// Vote is one validator's word in one round of one height.
type Vote struct {
	Kind      VoteKind  `json:"kind"`
	Height    uint64    `json:"height"`
	Round     uint32    `json:"round"`
	Block     Hash      `json:"block"` // zero: for nil
	Validator PublicKey `json:"validator"`
	Signature Signature `json:"signature"`
}

// NoRound stands for "never" where a round may be missing: a ValidRound or
// locked round.
const NoRound int64 = -1

// Proposal offers a block for a round; its records are named by id, and peers
// fill it from their pools.
type Proposal struct {
	Height     uint64
	Round      uint32
	ValidRound int64 // the round whose prevotes speak for the block, or NoRound
	Header     Header
	RecordIDs  []Hash
	Validator  PublicKey // who proposes it in this round
	Signature  Signature // over Height, Round, ValidRound and the block's hash

	block Hash
}

// Block returns the hash of the proposed block.
func (p *Proposal) Block() Hash {
	if p.block.IsZero() {
		p.block = p.Header.Hash()
	}
	return p.block
}

// Candidate tells that its validator has a candidate block for the height.
type Candidate struct {
	Height    uint64
	Validator PublicKey
	Signature Signature
}

// Pass tells that its validator, drawn for the round, has no candidate block.
type Pass struct {
	Height    uint64
	Round     uint32
	Validator PublicKey
	Signature Signature
}

const (
	voteDomain      = "posnet/vote/v1"
	proposalDomain  = "posnet/proposal/v1"
	candidateDomain = "posnet/candidate/v1"
	passDomain      = "posnet/pass/v1"
)

// SignBytes is what the vote's signature covers, bound to a network.
func (v *Vote) SignBytes(network Hash) []byte {
	return VoteSignBytes(network, v.Kind, v.Height, v.Round, v.Block)
}

// VoteSignBytes is what the signature of any validator's vote covers.
func VoteSignBytes(network Hash, kind VoteKind, height uint64, round uint32, block Hash) []byte {
	e := NewEncoder(voteDomain, 32+1+8+4+32)
	e.Fixed(network[:])
	e.Uint8(uint8(kind))
	e.Uint64(height)
	e.Uint32(round)
	e.Fixed(block[:])
	return e.Data()
}

// SignBytes is what the proposal's signature covers, bound to a network.
func (p *Proposal) SignBytes(network Hash) []byte {
	block := p.Block()
	e := NewEncoder(proposalDomain, 32+8+4+8+32)
	e.Fixed(network[:])
	e.Uint64(p.Height)
	e.Uint32(p.Round)
	e.Uint64(uint64(p.ValidRound))
	e.Fixed(block[:])
	return e.Data()
}

// SignBytes is what the candidate's signature covers, bound to a network.
func (c *Candidate) SignBytes(network Hash) []byte {
	e := NewEncoder(candidateDomain, 32+8)
	e.Fixed(network[:])
	e.Uint64(c.Height)
	return e.Data()
}

// SignBytes is what the pass's signature covers, bound to a network.
func (p *Pass) SignBytes(network Hash) []byte {
	e := NewEncoder(passDomain, 32+8+4)
	e.Fixed(network[:])
	e.Uint64(p.Height)
	e.Uint32(p.Round)
	return e.Data()
}

// Encode returns the canonical encoding of the signed vote.
func (v *Vote) Encode() []byte {
	e := NewEncoder("", 1+8+4+32+32+64)
	e.Uint8(uint8(v.Kind))
	e.Uint64(v.Height)
	e.Uint32(v.Round)
	e.Fixed(v.Block[:])
	e.Fixed(v.Validator[:])
	e.Fixed(v.Signature[:])
	return e.Data()
}

// DecodeVote reads a vote that fills raw.
func DecodeVote(raw []byte) (Vote, error) {
	d := NewDecoder(raw)
	v := Vote{Kind: VoteKind(d.Uint8()), Height: d.Uint64(), Round: d.Uint32()}
	d.Fixed(v.Block[:])
	d.Fixed(v.Validator[:])
	d.Fixed(v.Signature[:])
	if v.Kind != Prevote && v.Kind != Precommit {
		d.fail("%v: it must be 1 (prevote) or 2 (precommit)", v.Kind)
	}
	return v, d.Finish()
}

// Encode returns the canonical encoding of the signed proposal.
func (p *Proposal) Encode() []byte {
	e := NewEncoder("", 8+4+8+headerBytes+4+32*len(p.RecordIDs)+32+64)
	e.Uint64(p.Height)
	e.Uint32(p.Round)
	e.Uint64(uint64(p.ValidRound))
	p.Header.encode(e)
	e.Uint32(uint32(len(p.RecordIDs)))
	for i := range p.RecordIDs {
		e.Fixed(p.RecordIDs[i][:])
	}
	e.Fixed(p.Validator[:])
	e.Fixed(p.Signature[:])
	return e.Data()
}

// DecodeProposal reads a proposal that fills raw, and checks that its ids are
// those the header binds and that its rounds make sense.
func DecodeProposal(raw []byte) (*Proposal, error) {
	d := NewDecoder(raw)
	p := &Proposal{Height: d.Uint64(), Round: d.Uint32(), ValidRound: int64(d.Uint64())}
	p.Header.decode(d)
	p.RecordIDs = make([]Hash, d.Count(32, MaxBlockRecords))
	for i := range p.RecordIDs {
		d.Fixed(p.RecordIDs[i][:])
	}
	d.Fixed(p.Validator[:])
	d.Fixed(p.Signature[:])
	if err := d.Finish(); err != nil {
		return nil, err
	}
	p.Block() // now, so that readers on several goroutines only read
	return p, p.CheckForm()
}

// CheckForm checks what a proposal says of itself: a new block was made in its
// round, an old one in or before its valid round; ids match the header.
func (p *Proposal) CheckForm() error {
	switch {
	case p.Header.Height != p.Height:
		return fmt.Errorf("a proposal for height %d holds a block of height %d", p.Height, p.Header.Height)
	case p.ValidRound < NoRound || p.ValidRound >= int64(p.Round):
		return fmt.Errorf("a proposal of round %d names valid round %d: it must be -1 or an earlier round", p.Round, p.ValidRound)
	case p.ValidRound == NoRound && p.Header.Round != p.Round:
		return fmt.Errorf("a new proposal of round %d holds a block made in round %d", p.Round, p.Header.Round)
	case p.ValidRound != NoRound && int64(p.Header.Round) > p.ValidRound:
		return fmt.Errorf("a proposal with valid round %d holds a block made later, in round %d", p.ValidRound, p.Header.Round)
	case len(p.RecordIDs) != int(p.Header.Records) || MerkleRoot(p.RecordIDs) != p.Header.RecordsRoot:
		return fmt.Errorf("a proposal for height %d does not name the records its header binds", p.Height)
	}
	return nil
}

// Encode returns the canonical encoding of the signed announcement.
func (c *Candidate) Encode() []byte {
	e := NewEncoder("", 8+32+64)
	e.Uint64(c.Height)
	e.Fixed(c.Validator[:])
	e.Fixed(c.Signature[:])
	return e.Data()
}

// DecodeCandidate reads an announcement that fills raw.
func DecodeCandidate(raw []byte) (Candidate, error) {
	d := NewDecoder(raw)
	c := Candidate{Height: d.Uint64()}
	d.Fixed(c.Validator[:])
	d.Fixed(c.Signature[:])
	return c, d.Finish()
}

// Encode returns the canonical encoding of the signed pass.
func (p *Pass) Encode() []byte {
	e := NewEncoder("", 8+4+32+64)
	e.Uint64(p.Height)
	e.Uint32(p.Round)
	e.Fixed(p.Validator[:])
	e.Fixed(p.Signature[:])
	return e.Data()
}

// DecodePass reads a pass that fills raw.
func DecodePass(raw []byte) (Pass, error) {
	d := NewDecoder(raw)
	p := Pass{Height: d.Uint64(), Round: d.Uint32()}
	d.Fixed(p.Validator[:])
	d.Fixed(p.Signature[:])
	return p, d.Finish()
}
