package ledger

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// plainRoot is the digest written down a second time, as the package comment
// defines it and as slowly as that reads.
func plainRoot(entries map[string]string) types.Hash {
	type leaf struct{ path, hash [32]byte }
	var leafs []leaf
	for key, value := range entries {
		path := sha256.Sum256([]byte(key))
		leafs = append(leafs, leaf{path, sha256.Sum256([]byte("\x00" + string(path[:]) + value))})
	}
	bit := func(l leaf, i int) int { return int(l.path[i/8]) >> (7 - i%8) & 1 }
	var root func(leafs []leaf, i int) [32]byte
	root = func(leafs []leaf, i int) [32]byte {
		if len(leafs) == 0 {
			return [32]byte{}
		}
		if len(leafs) == 1 {
			return leafs[0].hash
		}
		var sides [2][]leaf
		for _, l := range leafs {
			sides[bit(l, i)] = append(sides[bit(l, i)], l)
		}
		for _, side := range sides {
			if len(side) == 0 {
				return root(leafs, i+1)
			}
		}
		zeros, ones := root(sides[0], i+1), root(sides[1], i+1)
		return sha256.Sum256(slices.Concat([]byte{1, byte(i)}, zeros[:], ones[:]))
	}
	return root(leafs, 0)
}

func asMap(entries []Change) map[string]string {
	m := map[string]string{}
	for _, e := range entries {
		m[string(e.Key)] = string(e.Value)
	}
	return m
}

// TestTrie checks the digest after any sequence of sets and removals, asked for
// now and then, against the plain one.
func TestTrie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trie trie
		want := map[string]string{}
		key := rapid.StringMatching(`[a-d]{1,3}`)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.String().Draw(t, "value")
				trie.put([]byte(k), []byte(v))
				want[k] = v
			},
			"remove": func(t *rapid.T) {
				k := key.Draw(t, "key")
				trie.remove(hashKey([]byte(k)))
				delete(want, k)
			},
			"digest": func(t *rapid.T) {
				if got := trie.root(); got != plainRoot(want) {
					t.Fatalf("the digest of %d entries is %s, plainly %s", len(want), got, plainRoot(want))
				}
			},
			"": func(t *rapid.T) {
				if trie.size != len(want) {
					t.Fatalf("the trie holds %d entries, want %d", trie.size, len(want))
				}
			},
		})
		if got := trie.root(); got != plainRoot(want) {
			t.Fatalf("the digest of %d entries is %s, plainly %s", len(want), got, plainRoot(want))
		}
	})
}

// TestTrieForgets checks that a trie that was emptied keeps nothing.
func TestTrieForgets(t *testing.T) {
	var trie trie
	const n = 3 * chunkSize
	for range 3 {
		for i := range n {
			trie.put([]byte{byte(i), byte(i >> 8)}, []byte("x"))
		}
		for i := range n {
			trie.remove(hashKey([]byte{byte(i), byte(i >> 8)}))
		}
	}
	if !trie.root().IsZero() || trie.size != 0 {
		t.Errorf("an emptied trie of size %d has root %s, want zero", trie.size, trie.root())
	}
	if trie.leafs.next != n || trie.inner.next != n-1 {
		t.Errorf("%d leafs and %d inner nodes were made for %d entries: freed ones must be used again", trie.leafs.next, trie.inner.next, n)
	}
}

// TestTrieRehashesLittle checks that a change hashes only the path above it.
func TestTrieRehashesLittle(t *testing.T) {
	var trie trie
	const n = 1 << 12
	for i := range n {
		trie.put([]byte{byte(i), byte(i >> 8)}, []byte("x"))
	}
	trie.root()
	trie.put([]byte{1, 2}, []byte("y"))
	var stale int
	for i := range trie.inner.next {
		if trie.inner.at(i).stale {
			stale++
		}
	}
	const deepest = 40 // of 4096 random paths, about 12 on average
	if stale == 0 || stale > deepest {
		t.Errorf("one change of %d entries makes %d nodes stale, want 1 to %d", n, stale, deepest)
	}
}

// TestFirstDifference checks the split of paths bit by bit.
func TestFirstDifference(t *testing.T) {
	for bit := range 256 {
		var a, b types.Hash
		b[bit/8] = 1 << (7 - bit%8)
		if got := firstDifference(&a, &b); got != bit {
			t.Errorf("paths that part at bit %d part at %d", bit, got)
		}
		if bitAt(&b, uint8(bit)) != 1 || bitAt(&a, uint8(bit)) != 0 {
			t.Errorf("bit %d is read wrongly", bit)
		}
	}
	var a types.Hash
	if got := firstDifference(&a, &a); got != 256 {
		t.Errorf("equal paths part at %d, want 256", got)
	}
}

// TestHashLeafLong checks a value that does not fit the buffer on the stack.
func TestHashLeafLong(t *testing.T) {
	path, value := types.Hash{1}, bytes.Repeat([]byte{2}, 5000)
	if got, want := hashLeaf(path, value), types.SumHash([]byte{0}, path[:], value); got != want {
		t.Errorf("the leaf of a long value is %s, want %s", got, want)
	}
}
