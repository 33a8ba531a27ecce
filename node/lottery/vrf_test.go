package lottery

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"
	"github.com/oasisprotocol/curve25519-voi/primitives/h2c"
	"pgregory.net/rapid"
)

// rfcVectors are Examples 19 to 21 of RFC 9381, Appendix B.4, whole.
var rfcVectors = []struct {
	name, sk, pk, alpha, x, h, k, u, v, pi, beta string
}{
	{
		name:  "Example 19",
		sk:    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		pk:    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		alpha: "",
		x:     "307c83864f2833cb427a2ef1c00a013cfdff2768d980c0a3a520f006904de94f",
		h:     "b8066ebbb706c72b64390324e4a3276f129569eab100c26b9f05011200c1bad9",
		k:     "55cbb247af9b8372259a97b2cfec656d78868deb33b203d51b9961c364522400",
		u:     "762f5c178b68f0cddcc1157918edf45ec334ac8e8286601a3256c3bbf858edd9",
		v:     "4652eba1c4612e6fce762977a59420b451e12964adbe4fbecd58a7aeff5860af",
		pi:    "7d9c633ffeee27349264cf5c667579fc583b4bda63ab71d001f89c10003ab46f14adf9a3cd8b8412d9038531e865c341cafa73589b023d14311c331a9ad15ff2fb37831e00f0acaa6d73bc9997b06501",
		beta:  "9d574bf9b8302ec0fc1e21c3ec5368269527b87b462ce36dab2d14ccf80c53cccf6758f058c5b1c856b116388152bbe509ee3b9ecfe63d93c3b4346c1fbc6c54",
	},
	{
		name:  "Example 20",
		sk:    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		pk:    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		alpha: "72",
		x:     "68bd9ed75882d52815a97585caf4790a7f6c6b3b7f821c5e259a24b02e502e51",
		h:     "76ac3ccb86158a9104dff819b1ca293426d305fd76b39b13c9356d9b58c08e57",
		k:     "9565956daeedf376cad61b829b2a4d21ba1b52e9b3e2457477a64630a9711003",
		u:     "8ec26e77b8cb3114dd2265fe1564a4efb40d109aa3312536d93dfe3d8d80a061",
		v:     "fe799eb5770b4e3a5a27d22518bb631db183c8316bb552155f442c62a47d1c8b",
		pi:    "47b327393ff2dd81336f8a2ef10339112401253b3c714eeda879f12c509072ef055b48372bb82efbdce8e10c8cb9a2f9d60e93908f93df1623ad78a86a028d6bc064dbfc75a6a57379ef855dc6733801",
		beta:  "38561d6b77b71d30eb97a062168ae12b667ce5c28caccdf76bc88e093e4635987cd96814ce55b4689b3dd2947f80e59aac7b7675f8083865b46c89b2ce9cc735",
	},
	{
		name:  "Example 21",
		sk:    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		pk:    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		alpha: "af82",
		x:     "909a8b755ed902849023a55b15c23d11ba4d7f4ec5c2f51b1325a181991ea95c",
		h:     "13d2a8b5ca32db7e98094a61f656a08c6c964344e058879a386a947a4e189ed1",
		k:     "1fda4077f737098b3f361c33a36cccafd7e9e9b720e1f84011254e25f37eed02",
		u:     "a012f35433df219a88ab0f9481f4e0065d00422c3285f3d34a8b0202f20bac60",
		v:     "fb613986d171b3e98319c7ca4dc44c5dd8314a6e5616c1a4f16ce72bd7a0c25a",
		pi:    "926e895d308f5e328e7aa159c06eddbe56d06846abf5d98c2512235eaa57fdce35b46edfc655bc828d44ad09d1150f31374e7ef73027e14760d42e77341fe05467bb286cc2c9d7fde29120a0b2320d04",
		beta:  "121b7f9b9aaaa29099fc04a94ba52784d44eac976dd1a3cca458733be5cd090a7b5fbd148444f17f8daf1fb55cb04b1ae85a626e30a54b4b0f8abf4a43314a58",
	},
}

// TestRFC9381 holds the functions that Prove, Verify and ProofToOutput call
// against the RFC's own vectors. The library also has the drafts' variant,
// whose proofs differ.
func TestRFC9381(t *testing.T) {
	for _, v := range rfcVectors {
		t.Run(v.name, func(t *testing.T) {
			priv, pub := NewVRFKey([32]byte(unhex(t, v.sk)))
			same(t, "PK", pub[:], v.pk)
			proof := ecvrf.Prove(priv.key[:], unhex(t, v.alpha))
			same(t, "pi", proof, v.pi)
			ok, beta := ecvrf.Verify(pub[:], proof, unhex(t, v.alpha))
			if !ok {
				t.Fatal("the proof does not verify")
			}
			same(t, "beta", beta, v.beta)
			out, err := ProofToOutput(Proof(proof))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "beta", out[:], v.beta)
		})
	}
}

// TestRFC9381Steps goes through section 5.1 step by step with the curve's own
// operations, so that a proof is known to be right for the right reasons.
func TestRFC9381Steps(t *testing.T) {
	for _, v := range rfcVectors {
		t.Run(v.name, func(t *testing.T) {
			expanded := sha512.Sum512(unhex(t, v.sk))
			expanded[0] &= 248
			expanded[31] = expanded[31]&127 | 64
			same(t, "x", expanded[:32], v.x)
			var x scalar.Scalar
			must(x.SetBits(expanded[:32]))(t)
			same(t, "PK", compressed(new(curve.EdwardsPoint).MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &x)), v.pk)

			dst := "ECVRF_edwards25519_XMD:SHA-512_ELL2_NU_\x04"
			h, err := h2c.Edwards25519_XMD_SHA512_ELL2_NU([]byte(dst), append(unhex(t, v.pk), unhex(t, v.alpha)...))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "H", compressed(h), v.h)
			same(t, "Gamma", compressed(new(curve.EdwardsPoint).Mul(h, &x)), v.pi[:64])

			nonce := sha512.Sum512(append(expanded[32:64:64], unhex(t, v.h)...))
			var k scalar.Scalar
			must(k.SetBytesModOrderWide(nonce[:]))(t)
			var kString [32]byte
			if err := k.ToBytes(kString[:]); err != nil {
				t.Fatal(err)
			}
			same(t, "k", kString[:], v.k)
			same(t, "U", compressed(new(curve.EdwardsPoint).MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &k)), v.u)
			same(t, "V", compressed(new(curve.EdwardsPoint).Mul(h, &k)), v.v)

			challenge := sha512.Sum512(unhex(t, "0402"+v.pk+v.h+v.pi[:64]+v.u+v.v+"00"))
			same(t, "c", challenge[:16], v.pi[64:96])
		})
	}
}

func TestProveAndVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		priv, pub := NewVRFKey(draw32(t, "key"))
		_, stranger := NewVRFKey(draw32(t, "other key"))
		seed, height := Seed(draw32(t, "seed")), rapid.Uint64().Draw(t, "height")
		proof := Prove(priv, seed, height)
		if again := Prove(priv, seed, height); again != proof {
			t.Fatal("two proofs of the same differ")
		}
		out, err := Verify(pub, seed, height, proof)
		if err != nil {
			t.Fatal(err)
		}
		if short, err := ProofToOutput(proof); err != nil || short != out {
			t.Fatalf("ProofToOutput = %x, %v; Verify = %x", short, err, out)
		}

		bit := rapid.IntRange(0, 8*len(proof)-1).Draw(t, "bit")
		forged := proof
		forged[bit/8] ^= 1 << (bit % 8)
		otherSeed := seed
		otherSeed[bit%32] ^= 1
		for name, err := range map[string]error{
			"forged proof":     second(Verify(pub, seed, height, forged)),
			"other height":     second(Verify(pub, seed, height+1, proof)),
			"other seed":       second(Verify(pub, otherSeed, height, proof)),
			"other key":        second(Verify(stranger, seed, height, proof)),
			"zero proof":       second(Verify(pub, seed, height, Proof{})),
			"s beyond q":       second(Verify(pub, seed, height, withHugeS(proof))),
			"no point in pi":   second(ProofToOutput(Proof{0: 2})),
			"s beyond q again": second(ProofToOutput(withHugeS(proof))),
		} {
			if !errors.Is(err, ErrProof) {
				t.Errorf("%s: error %v, want ErrProof", name, err)
			}
		}
	})
}

// A winner may find many proofs, but cannot choose among outputs.
func TestManyProofsOneOutput(t *testing.T) {
	priv, pub := NewVRFKey([32]byte{1})
	seed := Seed{2}
	want, err := Verify(pub, seed, 3, Prove(priv, seed, 3))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		entropy := bytes.NewReader(bytes.Repeat([]byte{byte(i)}, 32))
		proof, err := ecvrf.ProveWithAddedRandomness(entropy, priv.key[:], alpha(seed, 3))
		if err != nil {
			t.Fatal(err)
		}
		if Proof(proof) == Prove(priv, seed, 3) {
			t.Fatal("the proof was to differ")
		}
		if got, err := Verify(pub, seed, 3, Proof(proof)); err != nil || got != want {
			t.Fatalf("output %x, %v; want %x", got, err, want)
		}
	}
}

// TestForbiddenKeys tries all points of small order, with which one proof would
// do for every seed, and encodings that RFC 8032 does not allow.
func TestForbiddenKeys(t *testing.T) {
	forbidden := []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // order 1
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"0000000000000000000000000000000000000000000000000000000000000000", // order 4
		"0000000000000000000000000000000000000000000000000000000000000080",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"0100000000000000000000000000000000000000000000000000000000000080", // sign of x = 0
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y beyond p
		"0200000000000000000000000000000000000000000000000000000000000000", // no point
	}
	priv, _ := NewVRFKey([32]byte{1})
	for _, key := range forbidden {
		pub := VRFPublicKey(unhex(t, key))
		if err := CheckVRFKey(pub); !errors.Is(err, ErrVRFKey) {
			t.Errorf("CheckVRFKey(%s) = %v, want ErrVRFKey", key, err)
		}
		if _, err := Verify(pub, Seed{}, 1, Prove(priv, Seed{}, 1)); !errors.Is(err, ErrVRFKey) {
			t.Errorf("Verify with %s: error %v, want ErrVRFKey", key, err)
		}
	}
	for _, v := range rfcVectors {
		if err := CheckVRFKey(VRFPublicKey(unhex(t, v.pk))); err != nil {
			t.Errorf("CheckVRFKey(%s) = %v", v.pk, err)
		}
	}
}

func TestPrivateKeyIsNotPrinted(t *testing.T) {
	priv, _ := NewVRFKey([32]byte{0xab, 0xcd})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		text := fmt.Sprintf(verb, priv)
		for _, secret := range []string{"abcd", "171", "0xab", hex.EncodeToString([]byte("\xab\xcd"))} {
			if strings.Contains(text, secret) {
				t.Errorf("%s prints the key: %s", verb, text)
			}
		}
	}
}

func withHugeS(p Proof) Proof {
	for i := 48; i < len(p); i++ {
		p[i] = 0xff
	}
	return p
}

func second[T any](_ T, err error) error { return err }

func must[T any](_ T, err error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func compressed(p *curve.EdwardsPoint) []byte {
	var c curve.CompressedEdwardsY
	return c.SetEdwardsPoint(p)[:]
}

func same(t testing.TB, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s = %x, want %s", what, got, want)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func draw32(t *rapid.T, label string) [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
}
