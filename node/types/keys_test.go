package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"pgregory.net/rapid"
)

// smallOrder is every encoding of a point whose order divides eight: eight
// proper ones, then six that RFC 8032 does not write, but ZIP-215 reads.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// signatureCase is a signature, and whether ZIP-215 takes it.
type signatureCase struct {
	name    string
	key     PublicKey
	message []byte
	sig     Signature
	valid   bool
}

// edgeCases are the 196 of ZIP-215 (all points of small order, s = 0), and
// those in which other rules differ.
func edgeCases(t testing.TB) (cases []signatureCase) {
	t.Helper()
	for _, a := range smallOrder {
		for _, r := range smallOrder {
			c := signatureCase{name: "key " + a + ", R " + r, message: []byte("Zcash"), valid: true}
			decodeHex(t, c.key[:], a)
			decodeHex(t, c.sig[:32], r)
			cases = append(cases, c)
		}
	}
	key := testKeys[0]
	good := signatureCase{name: "ordinary", key: key.Public(), message: []byte("m"), sig: key.Sign([]byte("m")), valid: true}
	large := good
	large.name, large.valid, large.sig = "s not reduced", false, plusOrder(t, good.sig)
	other := good
	other.name, other.valid, other.message = "another message", false, []byte("n")
	noPoint := good
	noPoint.name, noPoint.valid, noPoint.key = "key is no point", false, PublicKey{2}
	cases = append(cases, good, large, other, noPoint)
	for i, torsion := range curve.EIGHT_TORSION {
		cases = append(cases, mixedOrder(t, fmt.Sprintf("key with torsion %d", i), torsion, curve.EIGHT_TORSION[0]),
			mixedOrder(t, fmt.Sprintf("R with torsion %d", i), curve.EIGHT_TORSION[0], torsion))
	}
	return cases
}

func decodeHex(t testing.TB, dst []byte, text string) {
	t.Helper()
	if n, err := hex.Decode(dst, []byte(text)); err != nil || n != len(dst) {
		t.Fatal(text, err)
	}
}

// plusOrder adds the order of the group to s: the same number, written larger.
func plusOrder(t testing.TB, sig Signature) Signature {
	t.Helper()
	var order [32]byte
	decodeHex(t, order[:], "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	carry := 0
	for i := range order {
		carry += int(sig[32+i]) + int(order[i])
		sig[32+i] = byte(carry)
		carry >>= 8
	}
	return sig
}

// mixedOrder signs with a key, and a nonce, to which points of small order were
// added: the cofactored equation of ZIP-215 holds.
func mixedOrder(t testing.TB, name string, onKey, onNonce *curve.EdwardsPoint) signatureCase {
	t.Helper()
	var a, r, k, s scalar.Scalar
	for _, x := range []*scalar.Scalar{&a, &r} {
		if _, err := x.SetRandom(rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	point := func(x *scalar.Scalar, torsion *curve.EdwardsPoint) (out [32]byte) {
		var p curve.EdwardsPoint
		p.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, x)
		p.Add(&p, torsion)
		var compressed curve.CompressedEdwardsY
		compressed.SetEdwardsPoint(&p)
		copy(out[:], compressed[:])
		return out
	}
	c := signatureCase{name: name, key: point(&a, onKey), message: []byte("m"), valid: true}
	nonce := point(&r, onNonce)
	copy(c.sig[:], nonce[:])
	h := sha512.Sum512(slices.Concat(nonce[:], c.key[:], c.message))
	if _, err := k.SetBytesModOrderWide(h[:]); err != nil {
		t.Fatal(err)
	}
	s.Mul(&k, &a)
	s.Add(&s, &r)
	if err := s.ToBytes(c.sig[32:]); err != nil {
		t.Fatal(err)
	}
	return c
}

// Alone, in a batch by itself and in batches with others, a signature is judged
// the same. The batch of good ones alone matters most: with a bad one among
// them, each is checked again by itself.
func TestSignaturesSingleAndBatchAgree(t *testing.T) {
	cases := edgeCases(t)
	var batch, good SignatureBatch
	differ := 0
	for _, c := range cases {
		if got := VerifySignature(c.key, c.message, c.sig); got != c.valid {
			t.Errorf("%s: valid alone is %v, want %v", c.name, got, c.valid)
		}
		for _, times := range []int{1, 2} {
			var own SignatureBatch
			for range times {
				own.Add(c.key, c.message, c.sig)
			}
			if got := own.Verify(); len(got) != times || got[0] != c.valid || got[times-1] != c.valid {
				t.Errorf("%s: valid in a batch of %d is %v, want %v", c.name, times, got, c.valid)
			}
		}
		batch.Add(c.key, c.message, c.sig)
		if c.valid {
			good.Add(c.key, c.message, c.sig)
		}
		if ed25519.Verify(c.key[:], c.message, c.sig[:]) != c.valid {
			differ++
		}
	}
	for i, got := range batch.Verify() {
		if got != cases[i].valid {
			t.Errorf("%s: valid among others is %v, want %v", cases[i].name, got, cases[i].valid)
		}
	}
	if slices.Contains(good.Verify(), false) {
		t.Error("a batch of good signatures has a bad one")
	}
	if differ < 100 {
		t.Errorf("the standard library judges only %d cases otherwise: are these the edge cases?", differ)
	}
}

// Random good and bad signatures in one batch are told apart.
func TestSignatureBatches(t *testing.T) {
	edges := edgeCases(t)
	rapid.Check(t, func(t *rapid.T) {
		var batch SignatureBatch
		var want []bool
		for i := range rapid.IntRange(0, 12).Draw(t, "count") {
			key := drawKey(t)
			c := signatureCase{key: key.Public(), message: []byte{byte(i)}, valid: true}
			c.sig = key.Sign(c.message)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				c.sig[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1
				c.valid = false
			case 1:
				c = rapid.SampledFrom(edges).Draw(t, "edge")
			}
			batch.Add(c.key, c.message, c.sig)
			want = append(want, c.valid)
		}
		if got := batch.Verify(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// Ordinary signatures are those of RFC 8032: any library makes and takes them.
func TestSignaturesOfTheStandardLibrary(t *testing.T) {
	key := NewPrivateKey([32]byte{9})
	seed, public := key.Seed(), key.Public()
	full := ed25519.NewKeyFromSeed(seed[:])
	message := []byte("posnet")
	sig := key.Sign(message)
	if !bytes.Equal(full[32:], public[:]) || !bytes.Equal(ed25519.Sign(full, message), sig[:]) {
		t.Error("another key or signature than the standard library's")
	}
	if !VerifySignature(public, message, sig) || !ed25519.Verify(public[:], message, sig[:]) {
		t.Error("a good signature is refused")
	}
}

func TestKeyText(t *testing.T) {
	key := GenerateKey()
	if key.Public() == GenerateKey().Public() {
		t.Fatal("two keys are the same")
	}
	type all struct {
		Private PrivateKey
		Public  PublicKey
		Sig     Signature
		Hash    Hash
	}
	want := all{key, key.Public(), key.Sign(nil), SumHash(nil)}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got all
	if err := json.Unmarshal(text, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) || got.Private.Seed() != key.Seed() {
		t.Errorf("%s came back as %+v, %v", text, got, err)
	}
	if err := json.Unmarshal([]byte(strings.ToUpper(string(text))), &got); err != nil || got.Sig != want.Sig {
		t.Errorf("upper-case digits are refused: %v", err)
	}
}

func TestBadKeyText(t *testing.T) {
	long := strings.Repeat("ab", 32)
	for _, c := range []struct {
		text string
		into interface{ UnmarshalText([]byte) error }
		want string
	}{
		{long[1:], new(Hash), "hash has 63 characters: it must have exactly 64 hex digits"},
		{"", new(Hash), "hash has 0 characters: it must have exactly 64 hex digits"},
		{long + "a", new(PublicKey), "public key has 65 characters: it must have exactly 64 hex digits"},
		{"0x" + long[2:], new(PublicKey), `public key "0x` + long[2:] + `" is not hexadecimal: use the digits 0-9 and a-f`},
		{long, new(Signature), "signature has 64 characters: it must have exactly 128 hex digits"},
		{strings.Repeat("é", 32), new(Hash), `hash "` + strings.Repeat("é", 32) + `" is not hexadecimal: use the digits 0-9 and a-f`},
		{"maybe", new(VoteKind), `"maybe" is no kind of vote: it must be prevote or precommit`},
		{long[1:], new(PrivateKey), "private key of 63 characters: it must have exactly 64 hex digits"},
		{long[1:] + "x", new(PrivateKey), "private key of 64 characters: it must have exactly 64 hex digits"},
		{long + long, new(PrivateKey), "private key of 128 characters: it must have exactly 64 hex digits"},
	} {
		if err := c.into.UnmarshalText([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%T %q: %v, want %s", c.into, c.text, err, c.want)
		}
	}
}

// A private key in a log or an error shows nothing of its secret.
func TestPrivateKeyIsNotShown(t *testing.T) {
	key := NewPrivateKey([32]byte{0xab, 0xcd})
	seed := key.Seed()
	secret := hex.EncodeToString(seed[:2])
	for _, shown := range []string{fmt.Sprint(key), key.String(), fmt.Sprintf("%+v", struct{ Key PrivateKey }{key})} {
		if strings.Contains(shown, secret) || !strings.Contains(shown, key.Public().String()) {
			t.Errorf("a key is shown as %s", shown)
		}
	}
}

func BenchmarkVerifySignature(b *testing.B) {
	key, message := testKeys[0], make([]byte, 200)
	sig := key.Sign(message)
	for b.Loop() {
		if !VerifySignature(key.Public(), message, sig) {
			b.Fatal("invalid")
		}
	}
}

func BenchmarkSignatureBatch(b *testing.B) {
	const size = 128
	message := make([]byte, 200)
	for b.Loop() {
		var batch SignatureBatch
		for i := range size {
			key := testKeys[i%len(testKeys)]
			batch.Add(key.Public(), message, signatureOf(i%len(testKeys), message))
		}
		batch.Verify()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/signature")
}

var signatures = map[int]Signature{}

func signatureOf(key int, message []byte) Signature {
	if _, ok := signatures[key]; !ok {
		signatures[key] = testKeys[key].Sign(message)
	}
	return signatures[key]
}
