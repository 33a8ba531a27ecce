package types

import (
	"encoding/binary"
	"fmt"
)

// Encoder appends the canonical encoding: big-endian integers of fixed width,
// byte strings with a 32-bit length before them, and no optional parts, so that
// a value has one encoding only.
type Encoder struct{ buf []byte }

// NewEncoder returns an encoder that begins with domain (which may be empty)
// and has room for size bytes.
func NewEncoder(domain string, size int) *Encoder {
	return &Encoder{buf: append(make([]byte, 0, len(domain)+size), domain...)}
}

// Data returns what was encoded so far.
func (e *Encoder) Data() []byte { return e.buf }

// Uint8 appends one byte.
func (e *Encoder) Uint8(v uint8) { e.buf = append(e.buf, v) }

// Uint32 appends four bytes.
func (e *Encoder) Uint32(v uint32) { e.buf = binary.BigEndian.AppendUint32(e.buf, v) }

// Uint64 appends eight bytes.
func (e *Encoder) Uint64(v uint64) { e.buf = binary.BigEndian.AppendUint64(e.buf, v) }

// Fixed appends bytes whose length the reader knows.
func (e *Encoder) Fixed(b []byte) { e.buf = append(e.buf, b...) }

// Bytes appends a 32-bit length and the bytes.
func (e *Encoder) Bytes(b []byte) {
	e.Uint32(uint32(len(b)))
	e.Fixed(b)
}

// Decoder reads the canonical encoding. The first error sticks; whoever decodes
// asks Finish at the end.
type Decoder struct {
	buf []byte
	err error
}

// NewDecoder reads from b, which must not change while decoded values live.
func NewDecoder(b []byte) *Decoder { return &Decoder{buf: b} }

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > len(d.buf) {
		d.fail("the encoding ends early: %d bytes wanted, %d left", n, len(d.buf))
		return nil
	}
	out := d.buf[:n:n]
	d.buf = d.buf[n:]
	return out
}

// Uint8 reads one byte.
func (d *Decoder) Uint8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint32 reads four bytes.
func (d *Decoder) Uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes.
func (d *Decoder) Uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Fixed fills dst.
func (d *Decoder) Fixed(dst []byte) { copy(dst, d.take(len(dst))) }

// Bytes reads a byte string of at most limit bytes; it shares the input.
func (d *Decoder) Bytes(limit int) []byte {
	n := d.Uint32()
	if uint64(n) > uint64(limit) {
		d.fail("a byte string of %d bytes: at most %d are allowed", n, limit)
		return nil
	}
	return d.take(int(n))
}

// Count reads the length of a list whose items take at least size bytes each,
// of at most limit items, so that a lying count allocates nothing.
func (d *Decoder) Count(size, limit int) int {
	n := d.Uint32()
	if uint64(n) > uint64(limit) || uint64(n)*uint64(size) > uint64(len(d.buf)) {
		d.fail("a list of %d items: at most %d are allowed, and %d bytes are left", n, limit, len(d.buf))
		return 0
	}
	return int(n)
}

// Remaining returns how many bytes are left.
func (d *Decoder) Remaining() int { return len(d.buf) }

// Err returns the first error so far.
func (d *Decoder) Err() error { return d.err }

// Finish returns the first error, or one for bytes left over.
func (d *Decoder) Finish() error {
	if d.err == nil && len(d.buf) > 0 {
		d.fail("%d bytes are left over after the end", len(d.buf))
	}
	return d.err
}
