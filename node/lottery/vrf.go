package lottery

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"
)

// Proof is pi_string of RFC 9381, suite ECVRF-EDWARDS25519-SHA512-ELL2: the
// point Gamma (32 bytes), the challenge c (16) and the scalar s (32). One key
// can make several valid proofs of one input; they all have the same Output.
type Proof [ecvrf.ProofSize]byte

// Output is beta_string of RFC 9381: unique to a key and an input, and
// unpredictable to whoever lacks the private key.
type Output [ecvrf.OutputSize]byte

// VRFPublicKey verifies proofs: the point Y of RFC 9381, as RFC 8032 encodes it.
type VRFPublicKey [32]byte

// VRFPrivateKey makes proofs. The zero value is no key; see NewVRFKey.
type VRFPrivateKey struct{ key [ed25519.PrivateKeySize]byte }

// String keeps the key out of logs.
func (VRFPrivateKey) String() string { return "(a private VRF key)" }

// GoString keeps the key out of logs.
func (VRFPrivateKey) GoString() string { return "lottery.VRFPrivateKey{}" }

var (
	// ErrVRFKey is the error of a public key that RFC 9381, 5.4.5 forbids.
	ErrVRFKey = errors.New("not a VRF key: it must be the canonical encoding of a point of edwards25519 that is not of small order")
	// ErrProof is the error of a proof that does not verify.
	ErrProof = errors.New("the VRF proof is not valid for this key, seed and height")
)

// NewVRFKey returns the key pair of a seed, which is a secret key in the sense
// of RFC 8032: 32 random bytes, kept secret.
func NewVRFKey(seed [32]byte) (VRFPrivateKey, VRFPublicKey) {
	key := ed25519.NewKeyFromSeed(seed[:])
	return VRFPrivateKey{key: [ed25519.PrivateKeySize]byte(key)}, VRFPublicKey(key[32:])
}

// CheckVRFKey returns ErrVRFKey unless pub can be used to verify proofs
// (RFC 9381, 5.4.5). A network must not take a validator in whose key fails.
func CheckVRFKey(pub VRFPublicKey) error {
	var point curve.EdwardsPoint
	encoded := curve.CompressedEdwardsY(pub)
	if !encoded.IsCanonicalVartime() {
		return ErrVRFKey
	}
	if _, err := point.SetCompressedY(&encoded); err != nil || point.IsSmallOrder() {
		return ErrVRFKey
	}
	return nil
}

// Prove makes the proof for height under seed. It is deterministic.
func Prove(priv VRFPrivateKey, seed Seed, height uint64) Proof {
	return Proof(ecvrf.Prove(priv.key[:], alpha(seed, height)))
}

// Verify returns the output of a proof that the owner of pub made for height
// under seed. Its errors are ErrVRFKey and ErrProof.
func Verify(pub VRFPublicKey, seed Seed, height uint64, proof Proof) (Output, error) {
	ok, beta := ecvrf.Verify(pub[:], proof[:], alpha(seed, height))
	if ok {
		return Output(beta), nil
	}
	if err := CheckVRFKey(pub); err != nil {
		return Output{}, err
	}
	return Output{}, ErrProof
}

// ProofToOutput returns the output of a proof that is known to be valid, which
// costs a fraction of Verify. It returns ErrProof for bytes that are no proof.
func ProofToOutput(proof Proof) (Output, error) {
	beta, err := ecvrf.ProofToHash(proof[:])
	if err != nil {
		return Output{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return Output(beta), nil
}

const vrfDomain = "posnet/vrf/v1"

// alpha is the VRF's input, alpha_string of RFC 9381. It holds nothing that a
// proposer could choose.
func alpha(seed Seed, height uint64) []byte {
	buf := make([]byte, 0, len(vrfDomain)+len(seed)+8)
	buf = append(buf, vrfDomain...)
	buf = append(buf, seed[:]...)
	return binary.BigEndian.AppendUint64(buf, height)
}
