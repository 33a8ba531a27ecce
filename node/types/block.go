package types

import (
	"bytes"
	"fmt"
)

// Limits that every valid block keeps, whatever a builder is set to: they bound
// what one proposal can make a peer hold.
const (
	MaxBlockRecords = 50_000
	MaxBlockBytes   = 8 << 20 // encoded records
)

// VRFProof is an RFC 9381 proof (suite 4), 80 bytes.
type VRFProof [80]byte

// Header is what a block's hash binds.
type Header struct {
	Network        Hash      // the network's id: the hash of its genesis
	Height         uint64    // 1 for the first block after genesis
	Round          uint32    // the round the block was made in
	Time           Time      // nanoseconds; not before the parent's
	Prev           Hash      // the parent's hash; at height 1 the network's id
	RecordsRoot    Hash      // MerkleRoot of the record ids
	Records        uint32    // how many records
	State          Hash      // digest of the state after the parent
	Validators     Hash      // hash of the validator set of this height
	NextValidators Hash      // hash of the validator set of the next height: this one hands over to it
	Proof          VRFProof  // the proposer's proof over the seed and the height
	Winner         PublicKey // who was drawn: a validator's key or a guest's session
	Proposer       PublicKey // the validator that made the block: the winner, or its host
}

const headerDomain = "posnet/header/v1"

// headerBytes is the size of an encoded header without its domain.
const headerBytes = 32 + 8 + 4 + 8 + 32 + 32 + 4 + 32 + 32 + 32 + 80 + 32 + 32

func (h *Header) encode(e *Encoder) {
	e.Fixed(h.Network[:])
	e.Uint64(h.Height)
	e.Uint32(h.Round)
	e.Uint64(uint64(h.Time))
	e.Fixed(h.Prev[:])
	e.Fixed(h.RecordsRoot[:])
	e.Uint32(h.Records)
	e.Fixed(h.State[:])
	e.Fixed(h.Validators[:])
	e.Fixed(h.NextValidators[:])
	e.Fixed(h.Proof[:])
	e.Fixed(h.Winner[:])
	e.Fixed(h.Proposer[:])
}

func (h *Header) decode(d *Decoder) {
	d.Fixed(h.Network[:])
	h.Height = d.Uint64()
	h.Round = d.Uint32()
	h.Time = Time(d.Uint64())
	d.Fixed(h.Prev[:])
	d.Fixed(h.RecordsRoot[:])
	h.Records = d.Uint32()
	d.Fixed(h.State[:])
	d.Fixed(h.Validators[:])
	d.Fixed(h.NextValidators[:])
	d.Fixed(h.Proof[:])
	d.Fixed(h.Winner[:])
	d.Fixed(h.Proposer[:])
}

// Encode returns the canonical encoding, domain included: what is hashed.
func (h *Header) Encode() []byte {
	e := NewEncoder(headerDomain, headerBytes)
	h.encode(e)
	return e.Data()
}

// DecodeHeader reads a header that fills raw, as Encode wrote it.
func DecodeHeader(raw []byte) (*Header, error) {
	if !bytes.HasPrefix(raw, []byte(headerDomain)) {
		return nil, fmt.Errorf("a header must begin with %q", headerDomain)
	}
	d := NewDecoder(raw[len(headerDomain):])
	h := &Header{}
	h.decode(d)
	return h, d.Finish()
}

// Hash returns the block's hash: the SHA-256 of the encoded header.
func (h *Header) Hash() Hash { return SumHash(h.Encode()) }

// Block is a header with its records, as it came.
type Block struct {
	Header  Header
	Records []*Record // sealed
}

// IDs returns the records' ids in order.
func (b *Block) IDs() []Hash {
	ids := make([]Hash, len(b.Records))
	for i, r := range b.Records {
		ids[i] = r.ID()
	}
	return ids
}

// CheckBody checks that the records are those the header binds.
func (b *Block) CheckBody() error {
	if len(b.Records) != int(b.Header.Records) || MerkleRoot(b.IDs()) != b.Header.RecordsRoot {
		return fmt.Errorf("the block at height %d does not hold the records its header binds", b.Header.Height)
	}
	return nil
}

// BPM returns the winner's reading in the block, or 0.
func (b *Block) BPM() uint64 {
	for _, r := range b.Records {
		if key, ok := r.Sender.Key(); ok && r.Type == Reading && key == b.Header.Winner {
			return r.BPM
		}
	}
	return 0
}

// Encode returns the canonical encoding of the whole block.
func (b *Block) Encode() []byte {
	size := headerBytes + 4
	for _, r := range b.Records {
		size += 4 + len(r.raw)
	}
	e := NewEncoder("", size)
	b.Header.encode(e)
	e.Uint32(uint32(len(b.Records)))
	for _, r := range b.Records {
		e.Bytes(r.raw)
	}
	return e.Data()
}

// DecodeBlock reads a block that fills raw, which must not change afterwards.
// It checks the form, and that the records are those the header binds.
func DecodeBlock(raw []byte) (*Block, error) {
	d := NewDecoder(raw)
	b := &Block{}
	b.Header.decode(d)
	records, err := decodeRecords(d)
	if err != nil {
		return nil, err
	}
	b.Records = records
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return b, b.CheckBody()
}

// EncodeRecords writes a list of records, for a frame between peers.
func EncodeRecords(records []*Record) []byte {
	size := 4
	for _, r := range records {
		size += 4 + len(r.raw)
	}
	e := NewEncoder("", size)
	e.Uint32(uint32(len(records)))
	for _, r := range records {
		e.Bytes(r.raw)
	}
	return e.Data()
}

// DecodeRecords reads a list of records that fills raw, which must not change
// afterwards.
func DecodeRecords(raw []byte) ([]*Record, error) {
	d := NewDecoder(raw)
	records, err := decodeRecords(d)
	if err != nil {
		return nil, err
	}
	return records, d.Finish()
}

// minRecordBytes is the size of the smallest encoded record with its length,
// a reading of an open account.
const minRecordBytes = 4 + 1 + 8 + 17 + 8

func decodeRecords(d *Decoder) ([]*Record, error) {
	n := d.Count(minRecordBytes, MaxBlockRecords)
	records := make([]*Record, 0, n)
	for i := range n {
		raw := d.Bytes(MaxRecordBytes)
		if d.Err() != nil {
			break
		}
		r, err := DecodeRecord(raw)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		records = append(records, r)
	}
	return records, d.Err()
}
