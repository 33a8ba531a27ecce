package engine

import (
	"bytes"
	"fmt"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

// The pieces that a node needs to go on from a snapshot.
const (
	pieceOffer     uint8 = iota + 1 // what the newest snapshot is
	pieceHandovers                  // handovers of the validators, from height At to height Index
	piecePart                       // part Index of the snapshot of height At
)

// snapshotWanted asks for a piece. The answer has the same fields before it.
type snapshotWanted struct {
	Piece uint8
	At    uint64
	Index uint64
}

// snapshotHead is how many bytes the fields take.
const snapshotHead = 1 + 8 + 8

func (w *snapshotWanted) encode(body []byte) []byte {
	e := types.NewEncoder("", snapshotHead+len(body))
	e.Uint8(w.Piece)
	e.Uint64(w.At)
	e.Uint64(w.Index)
	e.Fixed(body)
	return e.Data()
}

// decodeSnapshot reads the fields, and returns the body of an answer.
func decodeSnapshot(raw []byte) (w snapshotWanted, body []byte, err error) {
	if len(raw) < snapshotHead {
		return w, nil, fmt.Errorf("%d bytes about a snapshot: %d at least are needed", len(raw), snapshotHead)
	}
	d := types.NewDecoder(raw[:snapshotHead])
	w = snapshotWanted{d.Uint8(), d.Uint64(), d.Uint64()}
	return w, raw[snapshotHead:], d.Finish()
}

// offer is what a peer says of a snapshot: it is the state after a block, as the
// certified header of the next one says.
type offer struct {
	header      *types.Header // of the block
	next        *types.Header // of the block after it
	certificate *types.Certificate
	outline     *ledger.Outline
	raw         []byte // as it came
}

func (o *offer) height() uint64 { return o.header.Height }

func encodeOffer(header, next *types.Header, certificate, outline []byte) []byte {
	e := types.NewEncoder("", 16+2*heights.MaxHeader+len(certificate)+len(outline))
	e.Bytes(header.Encode())
	e.Bytes(heights.EncodeCertified(next, certificate))
	e.Bytes(outline)
	return e.Data()
}

// decodeOffer reads an offer, and checks that its parts belong together: that
// what the next header binds is this block and this state. Whether to believe
// the next header its certificate tells.
func decodeOffer(raw []byte) (*offer, error) {
	d := types.NewDecoder(raw)
	header, next, outline := d.Bytes(heights.MaxHeader), d.Bytes(heights.MaxHeader+heights.MaxCertificate+8), d.Bytes(len(raw))
	if err := d.Finish(); err != nil {
		return nil, err
	}
	o := &offer{raw: raw}
	var err error
	if o.header, err = types.DecodeHeader(header); err != nil {
		return nil, err
	}
	if o.next, o.certificate, err = heights.DecodeCertified(next); err != nil {
		return nil, err
	}
	if o.outline, err = ledger.DecodeOutline(outline); err != nil {
		return nil, err
	}
	switch {
	case o.next.Height != o.header.Height+1 || o.next.Prev != o.header.Hash():
		return nil, fmt.Errorf("the snapshot's block %d is not that before block %d", o.header.Height, o.next.Height)
	case o.next.State != o.outline.Root():
		return nil, fmt.Errorf("the snapshot's outline has the digest %s, the header of block %d binds %s", o.outline.Root().Short(), o.next.Height, o.next.State.Short())
	}
	return o, checkHeight(o.next.Height)
}

// maxHandoverBytes is more than a handover takes: a header, a certificate and a set
// of a hundred validators. maxHandoversBytes is how much one answer holds, one
// handover at least.
const (
	maxHandoverBytes  = heights.MaxHeader + heights.MaxCertificate + 64<<10
	maxHandoversBytes = 512 << 10
	maxHandovers      = 1000 // of an answer: the smallest take half a kilobyte
)

func encodeHandovers(list []heights.Handover) []byte {
	var pieces [][]byte
	size := 4
	for _, h := range list {
		e := types.NewEncoder("", 0)
		e.Bytes(heights.EncodeCertified(h.Header, h.Certificate.Encode()))
		e.Bytes(h.Set.Encode())
		if size += 4 + len(e.Data()); size > maxHandoversBytes && len(pieces) > 0 {
			break
		}
		pieces = append(pieces, e.Data())
	}
	e := types.NewEncoder("", size)
	e.Uint32(uint32(len(pieces)))
	for _, p := range pieces {
		e.Bytes(p)
	}
	return e.Data()
}

func decodeHandovers(raw []byte) ([]heights.Handover, error) {
	d := types.NewDecoder(raw)
	list := make([]heights.Handover, d.Count(8, maxHandovers))
	for i := range list {
		one := types.NewDecoder(d.Bytes(maxHandoverBytes))
		certified, set := one.Bytes(maxHandoverBytes), one.Bytes(maxHandoverBytes)
		if err := one.Finish(); err != nil {
			return nil, err
		}
		var err error
		if list[i].Header, list[i].Certificate, err = heights.DecodeCertified(certified); err != nil {
			return nil, err
		}
		if list[i].Set, err = types.DecodeValidatorSet(set); err != nil {
			return nil, err
		}
		if !bytes.Equal(list[i].Set.Encode(), set) {
			return nil, fmt.Errorf("the validators handed over to at height %d are not in order", list[i].Header.Height)
		}
	}
	return list, d.Finish()
}

// minEntryBytes is what the smallest entry of a state takes with its lengths.
const minEntryBytes = 8 + 1

func encodeEntries(list []ledger.Change) []byte {
	size := 4
	for _, c := range list {
		size += 8 + len(c.Key) + len(c.Value)
	}
	e := types.NewEncoder("", size)
	e.Uint32(uint32(len(list)))
	for _, c := range list {
		e.Bytes(c.Key)
		e.Bytes(c.Value)
	}
	return e.Data()
}

// decodeEntries reads entries; they share raw. No value is nil.
func decodeEntries(raw []byte) ([]ledger.Change, error) {
	d := types.NewDecoder(raw)
	list := make([]ledger.Change, d.Count(minEntryBytes, ledger.MaxPartBytes/minEntryBytes))
	for i := range list {
		list[i] = ledger.Change{Key: d.Bytes(len(raw)), Value: d.Bytes(len(raw))}
		if len(list[i].Key) == 0 || len(list[i].Value) == 0 {
			return nil, fmt.Errorf("entry %d of a part of the state is empty", i)
		}
	}
	return list, d.Finish()
}
