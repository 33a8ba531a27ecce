package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// trace is the textual log of a run; its digest tells whether two runs were
// the same to the byte. It is written without fmt: it takes most of the time
// of a run as it is.
type trace struct {
	digest hash.Hash
	out    io.Writer // nil: only the digest is wanted
	lines  int
	buf    []byte // of several lines
}

// traceBytes is how much is hashed at a time.
const traceBytes = 4 << 10

func newTrace(out io.Writer) *trace { return &trace{digest: sha256.New(), out: out} }

// line adds a line: the time, the node (-1 for none) and what happened.
func (t *trace) line(w *World, node int, what string) {
	t.head(w, node)
	t.buf = append(t.buf, what...)
	t.end()
}

// message adds a line that ends with a message.
func (t *trace) message(w *World, node int, what string, m any) {
	t.head(w, node)
	t.buf = describeTo(append(t.buf, what...), m)
	t.end()
}

func (t *trace) head(w *World, node int) {
	micros := w.now.Microseconds()
	t.buf = strconv.AppendInt(t.buf, micros/1e6, 10)
	fraction := strconv.AppendInt(make([]byte, 0, 8), 1e6+micros%1e6, 10) // the 1 keeps the zeros
	fraction[0] = '.'
	t.buf = append(append(t.buf, fraction...), ' ')
	if node >= 0 {
		t.buf = strconv.AppendInt(append(t.buf, 'n'), int64(node), 10)
		t.buf = append(t.buf, ' ')
	}
}

func (t *trace) end() {
	t.buf = append(t.buf, '\n')
	t.lines++
	if len(t.buf) >= traceBytes || t.out != nil {
		t.flush()
	}
}

func (t *trace) flush() {
	t.digest.Write(t.buf)
	if t.out != nil {
		_, _ = t.out.Write(t.buf) // for eyes only: the digest is what is compared
	}
	t.buf = t.buf[:0]
}

// Sum returns the digest as hex digits.
func (t *trace) Sum() string {
	t.flush()
	return hex.EncodeToString(t.digest.Sum(nil))
}

// describe writes a message for the text of a failure.
func describe(m any) string { return string(describeTo(nil, m)) }

func describeTo(b []byte, m any) []byte {
	switch m := m.(type) {
	case *types.Proposal:
		b = place(append(b, "proposal "...), m.Height, m.Round)
		b = short(b, m.Block())
		b = strconv.AppendInt(append(b, "valid "...), m.ValidRound, 10)
		return append(append(b, " of "...), m.Validator.Short()...)
	case *types.Vote:
		b = place(append(append(b, m.Kind.String()...), ' '), m.Height, m.Round)
		return append(append(short(b, m.Block), "of "...), m.Validator.Short()...)
	case *types.Candidate:
		b = strconv.AppendUint(append(b, "candidate "...), m.Height, 10)
		return append(append(b, " of "...), m.Validator.Short()...)
	case *types.Pass:
		b = place(append(b, "pass "...), m.Height, m.Round)
		return append(append(b, "of "...), m.Validator.Short()...)
	case consensus.Summary:
		return describeSummary(b, &m)
	case raw:
		b = append(append(b, "raw "...), m.kind.String()...)
		return strconv.AppendInt(append(b, " of bytes: "...), int64(len(m.bytes)), 10)
	case bodyWanted:
		return short(append(b, "body wanted "...), m.block)
	case bodyFound:
		return short(append(b, "body found "...), m.block.hash)
	case blocksWanted:
		return strconv.AppendUint(append(b, "blocks wanted from "...), m.from, 10)
	case blocksFound:
		return strconv.AppendInt(append(b, "blocks found: "...), int64(len(m.blocks)), 10)
	}
	return append(b, "something"...)
}

func describeSummary(b []byte, s *consensus.Summary) []byte {
	b = short(place(append(b, "summary "...), s.Height, s.Round), s.Proposal)
	b = hex.AppendEncode(append(b, "prevotes "...), s.Prevotes[:1])
	b = hex.AppendEncode(append(b, " precommits "...), s.Precommits[:1])
	b = short(append(b, " wanted "...), s.Wanted)
	return strconv.AppendInt(append(b, "pol "...), s.POLRound, 10)
}

func place(b []byte, height uint64, round uint32) []byte {
	b = strconv.AppendUint(b, height, 10)
	b = strconv.AppendUint(append(b, '/'), uint64(round), 10)
	return append(b, ' ')
}

func short(b []byte, h types.Hash) []byte { return append(hex.AppendEncode(b, h[:4]), ' ') }
