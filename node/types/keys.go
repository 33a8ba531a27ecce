package types

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"
)

// PublicKey is an ed25519 public key (RFC 8032); as text 64 hex digits.
type PublicKey [32]byte

// Signature is an ed25519 signature; as text 128 hex digits.
type Signature [64]byte

// PrivateKey is an ed25519 private key, kept as its 32-byte seed (RFC 8032).
type PrivateKey struct {
	seed [32]byte
	full ed25519.PrivateKey
	pub  PublicKey
}

// NewPrivateKey returns the key that grows from a 32-byte seed.
func NewPrivateKey(seed [32]byte) PrivateKey {
	full := ed25519.NewKeyFromSeed(seed[:])
	return PrivateKey{seed: seed, full: full, pub: PublicKey(full[32:])}
}

// GenerateKey returns a new key from the operating system's random source.
func GenerateKey() PrivateKey {
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		panic("types: the operating system gave no randomness: " + err.Error())
	}
	return NewPrivateKey(seed)
}

// Public returns the public half.
func (k PrivateKey) Public() PublicKey { return k.pub }

// Seed returns the 32 bytes the key grows from. It is the secret itself.
func (k PrivateKey) Seed() [32]byte { return k.seed }

// Sign signs message, which must begin with a domain of this package so that
// a signature for one purpose never serves another.
func (k PrivateKey) Sign(message []byte) Signature {
	return Signature(ed25519.Sign(k.full, message))
}

// MarshalText writes the seed as 64 hex digits: for key files only.
func (k PrivateKey) MarshalText() ([]byte, error) { return hexText(k.seed[:]), nil }

// UnmarshalText reads 64 hex digits of a seed. The error never shows them.
func (k *PrivateKey) UnmarshalText(b []byte) error {
	var seed [32]byte
	if _, err := hex.Decode(seed[:], b[:min(len(b), 64)]); err != nil || len(b) != 64 {
		return fmt.Errorf("private key of %d characters: it must have exactly 64 hex digits", len(b))
	}
	*k = NewPrivateKey(seed)
	return nil
}

// String never shows the secret, so that a key that ends up in a log stays one.
func (k PrivateKey) String() string { return "private key of " + k.pub.String() }

// String returns 64 hex digits.
func (p PublicKey) String() string { return hex.EncodeToString(p[:]) }

// Short returns the first eight hex digits, for logs and screens.
func (p PublicKey) Short() string { return hex.EncodeToString(p[:4]) }

// IsZero reports whether p is unset.
func (p PublicKey) IsZero() bool { return p == PublicKey{} }

// MarshalText implements encoding.TextMarshaler.
func (p PublicKey) MarshalText() ([]byte, error) { return hexText(p[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it takes 64 hex digits.
func (p *PublicKey) UnmarshalText(b []byte) error { return unhexText(p[:], b, "public key") }

// String returns 128 hex digits.
func (s Signature) String() string { return hex.EncodeToString(s[:]) }

// IsZero reports whether s is unset.
func (s Signature) IsZero() bool { return s == Signature{} }

// MarshalText implements encoding.TextMarshaler.
func (s Signature) MarshalText() ([]byte, error) { return hexText(s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it takes 128 hex digits.
func (s *Signature) UnmarshalText(b []byte) error { return unhexText(s[:], b, "signature") }

// keyCacheSize is how many expanded public keys are kept: a key costs about
// 1.3 kB, and a busy network has about a thousand senders at work at a time.
const keyCacheSize = 4096

// zip215 is the one rule by which signatures are judged everywhere (ZIP-215):
// single and batched checks agree under it in every edge case.
var (
	zip215      = &voi.Options{Verify: voi.VerifyOptionsZIP_215}
	keyVerifier = cache.NewVerifier(cache.NewLRUCache(keyCacheSize))
)

// VerifySignature reports whether sig is key's signature of message by ZIP-215.
func VerifySignature(key PublicKey, message []byte, sig Signature) bool {
	return keyVerifier.VerifyWithOptions(key[:], message, sig[:], zip215)
}

// SignatureBatch checks many signatures at once, at less than half the cost
// of checking each. The zero value is ready; it is used by one goroutine.
type SignatureBatch struct {
	verifier *voi.BatchVerifier
	count    int
	first    signature // not yet in verifier: a batch of one costs more than a check
}

// signature is a message with the signature it should have.
type signature struct {
	key     PublicKey
	message []byte
	sig     Signature
}

// Add puts one signature into the batch; message must not change until Verify.
func (b *SignatureBatch) Add(key PublicKey, message []byte, sig Signature) {
	one := signature{key, message, sig}
	if b.count++; b.count == 1 {
		b.first = one
		return
	}
	if b.count == 2 {
		b.verifier = voi.NewBatchVerifier()
		b.add(b.first)
	}
	b.add(one)
}

func (b *SignatureBatch) add(s signature) {
	keyVerifier.AddWithOptions(b.verifier, s.key[:], s.message, s.sig[:], zip215)
}

// Verify tells for each signature, in the order added, whether it is valid.
func (b *SignatureBatch) Verify() []bool {
	switch b.count {
	case 0:
		return nil
	case 1:
		return []bool{VerifySignature(b.first.key, b.first.message, b.first.sig)}
	}
	all, each := b.verifier.Verify(rand.Reader)
	if all {
		each = make([]bool, b.count)
		for i := range each {
			each[i] = true
		}
	}
	return each
}
