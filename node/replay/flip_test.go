package replay_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// Whichever bit of a chain flips, of blocks or certificates, is found at its
// height: there is no bit that means nothing.
func TestAnyBitFlipped(t *testing.T) {
	made := forge.Lively()
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(made.Blocks)-1).Draw(rt, "block")
		raw, cert := made.Blocks[i].Encode(), made.Blocks[i].Certificate.Encode()
		bit := rapid.IntRange(0, 8*(len(raw)+len(cert))-1).Draw(rt, "bit")
		if bit < 8*len(raw) {
			raw[bit/8] ^= 1 << (bit % 8)
		} else {
			bit -= 8 * len(raw)
			cert[bit/8] ^= 1 << (bit % 8)
		}
		block, err := types.DecodeBlock(raw)
		if err != nil {
			return // found before it was even a block
		}
		certificate, err := types.DecodeCertificate(cert)
		if err != nil {
			return
		}
		blocks := append(append([]forge.Block{}, made.Blocks[:i]...), forge.Block{Block: block, Certificate: certificate})
		tally, _, err := run(t, made.Genesis, blocks)
		if err == nil {
			rt.Fatal("nothing was found")
		}
		if tally.Blocks != uint64(i) {
			rt.Fatalf("found at height %d, want %d: %v", tally.Blocks+1, i+1, err)
		}
	})
}
