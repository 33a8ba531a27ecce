package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// trace is the textual log of a run; its digest tells whether two runs were
// the same to the byte.
type trace struct {
	digest hash.Hash
	out    io.Writer // nil: only the digest is wanted
	lines  int
	buf    []byte
}

func newTrace(out io.Writer) *trace { return &trace{digest: sha256.New(), out: out} }

// line adds a line: the time, the node (-1 for none) and what happened.
func (t *trace) line(w *World, node int, what string) {
	t.buf = fmt.Appendf(t.buf[:0], "%12.6f ", w.now.Seconds())
	if node >= 0 {
		t.buf = fmt.Appendf(t.buf, "n%d ", node)
	}
	t.buf = append(append(t.buf, what...), '\n')
	t.digest.Write(t.buf)
	t.lines++
	if t.out != nil {
		_, _ = t.out.Write(t.buf) // for eyes only: the digest is what is compared
	}
}

// Sum returns the digest as hex digits.
func (t *trace) Sum() string { return hex.EncodeToString(t.digest.Sum(nil)) }
