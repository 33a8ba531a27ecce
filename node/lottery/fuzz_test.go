package lottery

import (
	"testing"

	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzProof verifies arbitrary proofs: one that passes has the one output that
// there is, which is the input's and the key's own.
func FuzzProof(f *testing.F) {
	private, public := NewVRFKey([32]byte{1})
	good := Prove(private, Seed{2}, 3)
	f.Add(public[:], []byte{2}, uint64(3), good[:])
	f.Add(public[:], []byte{2}, uint64(4), good[:])
	f.Add(make([]byte, 32), []byte{2}, uint64(3), good[:])
	f.Add([]byte{1}, []byte{2}, uint64(3), make([]byte, 80)) // a point of small order
	want, err := Verify(public, Seed{2}, 3, good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, seed []byte, height uint64, raw []byte) {
		var pub VRFPublicKey
		var from Seed
		var proof Proof
		copy(pub[:], key)
		copy(from[:], seed)
		copy(proof[:], raw)
		var out Output
		var err error
		fuzzed.Memory(t, len(proof), func() { out, err = Verify(pub, from, height, proof) })
		fuzzed.Sentence(t, err)
		quick, wrong := ProofToOutput(proof)
		fuzzed.Sentence(t, wrong)
		if err != nil {
			return
		}
		if CheckVRFKey(pub) != nil || wrong != nil || quick != out {
			t.Errorf("the proof passes for a bad key, or with two outputs: %v, %v", CheckVRFKey(pub), wrong)
		}
		if same := pub == public && from == (Seed{2}) && height == 3; same != (out == want) {
			t.Errorf("the output of key %x, seed %x, height %d is %x", pub, from, height, out)
		}
	})
}
