package lottery

import (
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// concat is the encoding of doc.go, spelled out by hand.
func concat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func TestSeedEncoding(t *testing.T) {
	nonce := [32]byte{1, 2, 3}
	low, high := [32]byte{0, 9}, [32]byte{7}
	want := Seed(sha256.Sum256(concat([]byte("posnet/genesis-seed/v1"), nonce[:], []byte{0, 0, 0, 2}, low[:], high[:])))
	keys := [][32]byte{high, low}
	if got := GenesisSeed(nonce, keys); got != want {
		t.Errorf("GenesisSeed = %x, want %x", got, want)
	}
	if keys[0] != high {
		t.Error("GenesisSeed sorted the caller's keys")
	}

	seed, out := Seed{5}, Output{63: 6}
	want = sha256.Sum256(concat([]byte("posnet/seed/v1"), seed[:], []byte{0, 0, 0, 0, 0, 0, 1, 2}, out[:]))
	if got := NextSeed(seed, 0x102, out); got != want {
		t.Errorf("NextSeed = %x, want %x", got, want)
	}
	alphaWant := concat([]byte("posnet/vrf/v1"), seed[:], []byte{0, 0, 0, 0, 0, 0, 1, 2})
	if got := alpha(seed, 0x102); !slices.Equal(got, alphaWant) {
		t.Errorf("alpha = %x, want %x", got, alphaWant)
	}
}

func TestGenesisSeedIgnoresTheOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nonce := draw32(t, "nonce")
		n := rapid.IntRange(1, 8).Draw(t, "keys")
		keys := make([][32]byte, n)
		for i := range keys {
			keys[i] = draw32(t, "key")
		}
		seed := GenesisSeed(nonce, keys)
		if GenesisSeed(nonce, rapid.Permutation(keys).Draw(t, "shuffled")) != seed {
			t.Fatal("the order of the keys changed the seed")
		}
		if GenesisSeed(nonce, keys[1:]) == seed {
			t.Fatal("a key less gave the same seed")
		}
		keys[n-1][31] ^= 1
		if GenesisSeed(nonce, keys) == seed {
			t.Fatal("another key gave the same seed")
		}
	})
}

func TestNextSeedBindsAll(t *testing.T) {
	seed, out := Seed{1}, Output{2}
	base := NextSeed(seed, 3, out)
	for name, other := range map[string]Seed{
		"seed":   NextSeed(Seed{9}, 3, out),
		"height": NextSeed(seed, 4, out),
		"output": NextSeed(seed, 3, Output{63: 1}),
	} {
		if other == base {
			t.Errorf("another %s gave the same next seed", name)
		}
	}
}
