package consensus

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzSummary reads arbitrary bytes as a summary: what is accepted has one
// encoding.
func FuzzSummary(f *testing.F) {
	for seed := range 8 {
		s := rapid.Custom(drawSummary).Example(seed)
		f.Add(s.Encode())
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Summary
		var err error
		fuzzed.Memory(t, len(raw), func() { s, err = DecodeSummary(raw) })
		fuzzed.Sentence(t, err)
		if err == nil && !bytes.Equal(s.Encode(), raw) {
			t.Errorf("%x is read, and written as %x", raw, s.Encode())
		}
	})
}
