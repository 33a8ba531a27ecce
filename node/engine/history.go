package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// heightInfo is what is kept of each height beside its block, so that draws and
// winners are answered without decoding blocks.
type heightInfo struct {
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
	keyHeight       = 'h' // + height: heightInfo
	keyParticipants = 'p' // + hash: a list of participants
	keyEvidence     = 'e' // + height + hash: two contradicting votes
	keyName         = 'n' // + key: the name of a validator that joined after genesis
	keySession      = 's' // + session: the secret of a guest hosted here
	keySet          = 'v' // + hash: a set of validators
	keyHandover     = 'c' // + height: header and certificate, where the next height's set is another
	keyBase         = 'b' // the header of the block whose state was installed last
)

func heightKey(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyHeight}, height)
}

func setKey(hash types.Hash) []byte { return append([]byte{keySet}, hash[:]...) }

func handoverKey(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyHandover}, height)
}

// encodeCertified is a header with its certificate, as it is kept and sent.
func encodeCertified(h *types.Header, certificate []byte) []byte {
	header := h.Encode()
	e := types.NewEncoder("", 8+len(header)+len(certificate))
	e.Bytes(header)
	e.Bytes(certificate)
	return e.Data()
}

// maxHeader is more than an encoded header has.
const maxHeader = 1 << 10

func decodeCertified(raw []byte) (*types.Header, *types.Certificate, error) {
	d := types.NewDecoder(raw)
	header, certificate := d.Bytes(maxHeader), d.Bytes(maxCertificate)
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

func participantsKey(hash types.Hash) []byte { return append([]byte{keyParticipants}, hash[:]...) }

func (i *heightInfo) encode() []byte {
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

func decodeHeightInfo(raw []byte) (heightInfo, error) {
	d := types.NewDecoder(raw)
	var i heightInfo
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

func encodeParticipants(list []ledger.Participant) []byte {
	e := types.NewEncoder("", 4+72*len(list))
	e.Uint32(uint32(len(list)))
	for i := range list {
		e.Fixed(list[i].ID[:])
		e.Uint64(list[i].Weight)
		e.Fixed(list[i].Host[:])
	}
	return e.Data()
}

func participantsHash(list []ledger.Participant) types.Hash {
	return types.SumHash(encodeParticipants(list))
}

func decodeParticipants(raw []byte) ([]ledger.Participant, error) {
	d := types.NewDecoder(raw)
	list := make([]ledger.Participant, d.Count(72, lottery.MaxParticipants))
	for i := range list {
		d.Fixed(list[i].ID[:])
		list[i].Weight = d.Uint64()
		d.Fixed(list[i].Host[:])
		list[i].Guest = list[i].ID != list[i].Host
	}
	return list, d.Finish()
}

// history reads what was kept of committed heights; it may be used by several
// goroutines at once.
type history struct{ store storage.Store }

func (h history) info(height uint64) (heightInfo, error) {
	raw, ok, err := h.store.Aux(heightKey(height))
	if err != nil {
		return heightInfo{}, err
	}
	if oldest := h.store.Oldest(); !ok && height < oldest {
		return heightInfo{}, gone(height, oldest)
	}
	if !ok {
		return heightInfo{}, fmt.Errorf("nothing is kept of height %d: %w", height, errDamaged)
	}
	info, err := decodeHeightInfo(raw)
	if err != nil {
		return heightInfo{}, fmt.Errorf("what is kept of height %d: %w: %w", height, err, errDamaged)
	}
	return info, nil
}

// base returns the header of the block whose state was installed, which must be
// of this height.
func (h history) base(height uint64) (*types.Header, error) {
	raw, _, err := h.store.Aux([]byte{keyBase})
	if err != nil {
		return nil, err
	}
	header, err := types.DecodeHeader(raw)
	if err != nil || header.Height != height {
		return nil, fmt.Errorf("the header of height %d, whose state was installed, cannot be read: %w", height, errDamaged)
	}
	return header, nil
}

// header returns that of a block which is kept, or of the one whose state was
// installed below the oldest.
func (h history) header(height uint64) (*types.Header, error) {
	if height+1 == h.store.Oldest() {
		return h.base(height)
	}
	block, _, err := readBlock(h.store, height)
	if err != nil {
		return nil, err
	}
	return &block.Header, nil
}

// gone is the answer to whoever asks for a height that is kept no more.
func gone(height, oldest uint64) error {
	return message.Errorf(message.StatusNotFound, "this node does not keep block %d: the oldest that it has is block %d; ask a node that keeps all blocks", height, oldest)
}

// whole fails where a folder lacks what belongs to its oldest block. A log that is
// gone, file and all, may take the first blocks with it; the rest looks like a chain
// whose old blocks were let go of, but for what they brought and is never let go of.
func (h history) whole() error {
	oldest := h.store.Oldest()
	if oldest > h.store.Head() {
		return nil
	}
	info, err := h.info(oldest)
	if err != nil {
		return err
	}
	_, err = h.participants(info.Participants)
	return err
}

var errDamaged = errors.New("the data folder is damaged; start with an empty one")

func (h history) participants(hash types.Hash) ([]ledger.Participant, error) {
	raw, ok, err := h.store.Aux(participantsKey(hash))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("participants %s are not kept: %w", hash.Short(), errDamaged)
	}
	list, err := decodeParticipants(raw)
	if err != nil {
		return nil, fmt.Errorf("participants %s: %w: %w", hash.Short(), err, errDamaged)
	}
	return list, nil
}

// set returns the validators that have a hash; 404 where they are not kept.
func (h history) set(hash types.Hash) (*types.ValidatorSet, error) {
	raw, ok, err := h.store.Aux(setKey(hash))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, message.Errorf(message.StatusNotFound, "this node has not kept the validators with hash %s", hash)
	}
	set, err := types.DecodeValidatorSet(raw)
	if err != nil {
		return nil, fmt.Errorf("validators %s: %w: %w", hash.Short(), err, errDamaged)
	}
	return set, nil
}

// handover is a height whose validators handed over to others.
type handover struct {
	header      *types.Header
	certificate *types.Certificate
	set         *types.ValidatorSet // of the next height
}

// handovers returns the heights, from one on, whose validators handed over to
// others, at most limit.
func (h history) handovers(from uint64, limit int) ([]handover, error) {
	kept, err := h.store.AuxRange([]byte{keyHandover}, binary.BigEndian.AppendUint64(nil, from), limit)
	if err != nil {
		return nil, err
	}
	out := make([]handover, len(kept))
	for i, k := range kept {
		one := &out[i]
		if one.header, one.certificate, err = decodeCertified(k.Value); err != nil {
			return nil, fmt.Errorf("the handover under key %.16x: %w: %w", k.Key, err, errDamaged)
		}
		if one.set, err = h.set(one.header.NextValidators); err != nil {
			return nil, err
		}
	}
	return out, nil
}
