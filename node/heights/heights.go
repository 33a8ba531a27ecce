// Package heights is what a node keeps of each height beside its block, in the
// auxiliary entries of its store: who was drawn from, who won, and how the
// validators handed over to others. The engine writes it; whoever reads a node's
// folder finds it here.
package heights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// ErrDamaged means that what is kept cannot be read.
var ErrDamaged = errors.New("the data folder is damaged; start with an empty one")

// Info is what is kept of a height so that draws and winners are answered without
// decoding its block. It goes with the block.
type Info struct {
	Seed         lottery.Seed
	Participants types.Hash // of the list of participants, stored under its hash
	Round        uint32     // the round whose winner made the block
	Winner       types.PublicKey
	Proposer     types.PublicKey
	Hash         types.Hash
	Time         types.Time
	Records      uint32
	Total        uint64 // records committed up to here
}

// The first byte of a key says what is stored under it.
const (
	KeyInfo         = 'h' // + height: Info
	KeySet          = 'v' // + hash: a set of validators
	KeyParticipants = 'p' // + hash: a list of participants
	KeyEvidence     = 'e' // + height, round, kind, validator: two contradicting votes
	KeyHandover     = 'c' // + height: header and certificate, where the next height's set is another
)

// InfoKey is the key of a height's Info.
func InfoKey(height uint64) []byte { return binary.BigEndian.AppendUint64([]byte{KeyInfo}, height) }

// SetKey is the key of the set of validators with a hash.
func SetKey(hash types.Hash) []byte { return append([]byte{KeySet}, hash[:]...) }

// HandoverKey is the key of the handover at a height.
func HandoverKey(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{KeyHandover}, height)
}

// Encode returns the bytes that DecodeInfo reads.
func (i *Info) Encode() []byte {
	e := types.NewEncoder("", 32*5+4+8+4+8)
	e.Fixed(i.Seed[:])
	e.Fixed(i.Participants[:])
	e.Uint32(i.Round)
	e.Fixed(i.Winner[:])
	e.Fixed(i.Proposer[:])
	e.Fixed(i.Hash[:])
	e.Uint64(uint64(i.Time))
	e.Uint32(i.Records)
	e.Uint64(i.Total)
	return e.Data()
}

// DecodeInfo reads an Info that fills raw.
func DecodeInfo(raw []byte) (Info, error) {
	d := types.NewDecoder(raw)
	var i Info
	d.Fixed(i.Seed[:])
	d.Fixed(i.Participants[:])
	i.Round = d.Uint32()
	d.Fixed(i.Winner[:])
	d.Fixed(i.Proposer[:])
	d.Fixed(i.Hash[:])
	i.Time = types.Time(d.Uint64())
	i.Records = d.Uint32()
	i.Total = d.Uint64()
	return i, d.Finish()
}

// Handover is a height whose validators handed over to others. It is kept for
// good: handovers lead from the genesis to the validators of any height.
type Handover struct {
	Header      *types.Header
	Certificate *types.Certificate
	Set         *types.ValidatorSet // of the next height
}

// Bounds of what is kept of a handover, more than the largest has.
const (
	MaxHeader      = 1 << 10
	MaxCertificate = 16 << 10
)

// EncodeCertified is a header with its certificate, as it is kept and sent.
func EncodeCertified(h *types.Header, certificate []byte) []byte {
	header := h.Encode()
	e := types.NewEncoder("", 8+len(header)+len(certificate))
	e.Bytes(header)
	e.Bytes(certificate)
	return e.Data()
}

// DecodeCertified reads a header and its certificate that fill raw. Whether they
// belong together is not looked at.
func DecodeCertified(raw []byte) (*types.Header, *types.Certificate, error) {
	d := types.NewDecoder(raw)
	header, certificate := d.Bytes(MaxHeader), d.Bytes(MaxCertificate)
	if err := d.Finish(); err != nil {
		return nil, nil, err
	}
	h, err := types.DecodeHeader(header)
	if err != nil {
		return nil, nil, err
	}
	c, err := types.DecodeCertificate(certificate)
	return h, c, err
}

// Handovers returns the handovers that a store has, from a height on, the oldest
// first, at most limit. None of it is checked but that it can be read, and that each is
// of the height that it is kept under: so they are in order.
func Handovers(s storage.Store, from uint64, limit int) ([]Handover, error) {
	kept, err := s.AuxRange([]byte{KeyHandover}, binary.BigEndian.AppendUint64(nil, from), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Handover, len(kept))
	for i, k := range kept {
		one := &out[i]
		if one.Header, one.Certificate, err = DecodeCertified(k.Value); err != nil {
			return nil, fmt.Errorf("the handover under key %x: %w: %w", k.Key, err, ErrDamaged)
		}
		if height := one.Header.Height; !bytes.Equal(k.Key, HandoverKey(height)) {
			return nil, fmt.Errorf("the handover under key %x is that of height %d: %w", k.Key, height, ErrDamaged)
		}
		if one.Set, err = Set(s, one.Header.NextValidators); err != nil {
			return nil, err
		}
		if one.Set == nil {
			return nil, fmt.Errorf("validators %s, handed over to at height %d, are not kept: %w", one.Header.NextValidators.Short(), one.Header.Height, ErrDamaged)
		}
	}
	return out, nil
}

// Set returns the set of validators that a store has under a hash, nil and no
// error where it has none.
func Set(s storage.Store, hash types.Hash) (*types.ValidatorSet, error) {
	raw, ok, err := s.Aux(SetKey(hash))
	if err != nil || !ok {
		return nil, err
	}
	set, err := types.DecodeValidatorSet(raw)
	if err != nil {
		return nil, fmt.Errorf("validators %s: %w: %w", hash.Short(), err, ErrDamaged)
	}
	return set, nil
}
