package storage

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/posnet/posnet/node/types"
)

// The sign log is one file: a header, then frames, then zeros. All entries of
// one Append make one frame; it is written and synced before Append returns,
// and only then the next. So at most the last frame can be torn, and a valid
// frame after a broken one means damage. There always are four zeros or more behind the last.
//
//	header  magic 16 | salt 8 | network 32 | validator 32 | used 1 | zeros | checksum 4
//	frame   size 4 | checksum of the payload 4 | checksum of the head 4 | payload | zeros to a multiple of 4
//	entry   height 8 | round 4 | kind 1 | size 4 | data
//
// Integers are big-endian, checksums CRC-32C begun with the file's salt, which
// is random: neither bytes left from an earlier file nor bytes that somebody
// put into a block pass for a frame.
const (
	signMagic   = "posnet signlog 1"
	headerBytes = 128
	saltAt      = len(signMagic)
	networkAt   = saltAt + 8
	validatorAt = networkAt + 32
	usedAt      = validatorAt + 32
	headBytes   = 12
	frameAlign  = 4
	entryBytes  = 8 + 4 + 1 + 4 // without its data
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// signHeader is the head of a sign log file.
type signHeader struct {
	salt [8]byte
	id   Identity
	used bool // something was appended, here or in a file before this one
}

func newSignHeader(id Identity, used bool) signHeader {
	h := signHeader{id: id, used: used}
	rand.Read(h.salt[:]) // never fails
	return h
}

func (h *signHeader) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, signMagic)
	copy(b[saltAt:], h.salt[:])
	copy(b[networkAt:], h.id.Network[:])
	copy(b[validatorAt:], h.id.Validator[:])
	if h.used {
		b[usedAt] = 1
	}
	end := headerBytes - crc32.Size
	binary.BigEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
	return b
}

func decodeSignHeader(b []byte) (h signHeader, ok bool) {
	end := headerBytes - crc32.Size
	if len(b) < headerBytes || !bytes.HasPrefix(b, []byte(signMagic)) ||
		binary.BigEndian.Uint32(b[end:]) != crc32.Checksum(b[:end], castagnoli) {
		return h, false
	}
	copy(h.salt[:], b[saltAt:])
	copy(h.id.Network[:], b[networkAt:])
	copy(h.id.Validator[:], b[validatorAt:])
	h.used = b[usedAt] == 1
	return h, true
}

func (h *signHeader) sum(parts ...[]byte) uint32 {
	sum := crc32.Checksum(h.salt[:], castagnoli)
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return sum
}

// appendFrame appends entries as one frame that will stand at offset at.
func (h *signHeader) appendFrame(buf []byte, at int64, entries []SignEntry) []byte {
	start := len(buf)
	buf = append(buf, make([]byte, headBytes)...)
	for _, e := range entries {
		buf = binary.BigEndian.AppendUint64(buf, e.Height)
		buf = binary.BigEndian.AppendUint32(buf, e.Round)
		buf = append(buf, e.Kind)
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(e.Data)))
		buf = append(buf, e.Data...)
	}
	frame := buf[start:]
	payload := frame[headBytes:]
	binary.BigEndian.PutUint32(frame, uint32(len(payload)))
	binary.BigEndian.PutUint32(frame[4:], h.sum(payload))
	binary.BigEndian.PutUint32(frame[8:], h.headSum(frame, at))
	return append(buf, make([]byte, padding(len(payload)))...)
}

// headSum binds size and checksum of a frame to the place where it stands.
func (h *signHeader) headSum(frame []byte, at int64) uint32 {
	return h.sum(frame[:8], binary.BigEndian.AppendUint64(nil, uint64(at)))
}

func padding(n int) int { return -n & (frameAlign - 1) }

// frameAt returns the payload of the frame at an offset of the whole file, and
// where the frame ends; ok is false where no whole and valid frame stands.
func (h *signHeader) frameAt(file []byte, at int) (payload []byte, end int, ok bool) {
	if at+headBytes > len(file) {
		return nil, 0, false
	}
	frame := file[at:]
	size := int(binary.BigEndian.Uint32(frame))
	if size < entryBytes || size > len(frame)-headBytes || binary.BigEndian.Uint32(frame[8:]) != h.headSum(frame, int64(at)) {
		return nil, 0, false
	}
	payload = frame[headBytes : headBytes+size]
	end = at + headBytes + size + padding(size)
	return payload, end, binary.BigEndian.Uint32(frame[4:]) == h.sum(payload)
}

// position is where an entry stands in the file.
type position struct {
	height uint64
	at     int64 // of the entry, not of its data
	size   int   // of the whole entry
}

// positions lists the entries of a payload that stands at offset at.
func positions(payload []byte, at int64) ([]position, error) {
	var list []position
	d := types.NewDecoder(payload)
	for d.Remaining() > 0 && d.Err() == nil {
		before := d.Remaining()
		p := position{at: at + int64(len(payload)-before), height: d.Uint64()}
		d.Uint32()
		d.Uint8()
		d.Bytes(MaxSignBytes)
		p.size = before - d.Remaining()
		list = append(list, p)
	}
	return list, d.Err()
}

// decodeSignEntry reads one entry; its data shares b.
func decodeSignEntry(b []byte) (SignEntry, error) {
	d := types.NewDecoder(b)
	e := SignEntry{Height: d.Uint64(), Round: d.Uint32(), Kind: d.Uint8(), Data: d.Bytes(MaxSignBytes)}
	return e, d.Finish()
}

// scan is what a sign log file holds.
type scan struct {
	header  signHeader
	entries []position
	end     int64 // where the next frame goes
	torn    bool  // something is or may have been behind the last whole frame
}

// signAdvice ends the sentence about a sign log that cannot be trusted.
const signAdvice = "without which the validator could contradict what it has signed: put the file back, or remove the whole data folder, upon which the validator watches before it votes"

// scanSignFile reads a whole file. It fails if the file is no sign log, belongs
// to somebody else, or is damaged before its last frame.
func scanSignFile(path string, file []byte, id Identity) (scan, error) {
	header, ok := decodeSignHeader(file)
	if !ok {
		return scan{}, fmt.Errorf("storage: the head of the sign log %s is damaged, or it is another program's file, %s", path, signAdvice)
	}
	if header.id.Network != id.Network || header.id.Validator != id.Validator {
		return scan{}, fmt.Errorf("storage: the sign log %s belongs to validator %s on network %s, this is %s on %s: use another folder",
			path, header.id.Validator.Short(), header.id.Network.Short(), id.Validator.Short(), id.Network.Short())
	}
	s := scan{header: header, end: headerBytes}
	for {
		payload, end, ok := header.frameAt(file, int(s.end))
		if !ok {
			break
		}
		list, err := positions(payload, s.end+headBytes)
		if err != nil {
			return scan{}, fmt.Errorf("storage: the sign log %s is damaged at byte %d (%w), %s", path, s.end, err, signAdvice)
		}
		s.entries, s.end = append(s.entries, list...), int64(end)
	}
	rest := file[min(int(s.end), len(file)):]
	s.torn = len(rest) < frameAlign || len(bytes.Trim(rest, "\x00")) > 0
	for at := frameAlign; s.torn && at < len(rest); at += frameAlign {
		if _, _, ok := header.frameAt(file, int(s.end)+at); ok {
			return scan{}, fmt.Errorf("storage: the sign log %s is damaged at byte %d, before entries that are whole, %s", path, s.end, signAdvice)
		}
	}
	return s, nil
}
