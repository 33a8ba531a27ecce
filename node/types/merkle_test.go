package types

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// ids makes a list of n different ids.
func ids(n int) []Hash {
	list := make([]Hash, n)
	for i := range list {
		list[i] = SumHash([]byte{byte(i), byte(i >> 8)})
	}
	return list
}

func sum(prefix byte, parts ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte{prefix})
	for _, p := range parts {
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

// slowRoot is the dumb second implementation: the tree is built level by level,
// a node left over is carried up.
func slowRoot(ids []Hash) Hash {
	if len(ids) == 0 {
		return sha256.Sum256(nil)
	}
	var level []Hash
	for _, id := range ids {
		level = append(level, sum(0, id[:]))
	}
	for len(level) > 1 {
		var up []Hash
		for ; len(level) >= 2; level = level[2:] {
			up = append(up, sum(1, level[0][:], level[1][:]))
		}
		level = append(up, level...)
	}
	return level[0]
}

func TestMerkleRootAgreesWithASecondWay(t *testing.T) {
	for n := range 300 {
		if list := ids(n); MerkleRoot(list) != slowRoot(list) {
			t.Errorf("%d ids: two roots", n)
		}
	}
}

// The root of nothing is known from RFC 6962; of one and two leaves it is
// written out.
func TestMerkleRootOfFew(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if MerkleRoot(nil).String() != empty {
		t.Errorf("the root of nothing is %v", MerkleRoot(nil))
	}
	a, b := SumHash([]byte("a")), SumHash([]byte("b"))
	leafA, leafB := sum(0, a[:]), sum(0, b[:])
	if MerkleRoot([]Hash{a}) != leafA || MerkleRoot([]Hash{a, b}) != sum(1, leafA[:], leafB[:]) {
		t.Error("the root of one or two leaves is wrong")
	}
}

// TestMerkleTreeOfRFC6962 uses the eight leaves whose roots Certificate
// Transparency's implementations check themselves against. Those leaves have
// other lengths than ids, so that the tree above them alone is checked.
func TestMerkleTreeOfRFC6962(t *testing.T) {
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var hashes []Hash
	for i, leaf := range leaves {
		data, err := hex.DecodeString(leaf)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, sum(0, data))
		if got := treeOver(hashes); got.String() != roots[i] {
			t.Errorf("root of the first %d leaves is %v, want %s", i+1, got, roots[i])
		}
	}
}

// treeOver is MerkleRoot above hashed leaves.
func treeOver(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	k := splitPoint(len(hashes))
	return nodeHash(treeOver(hashes[:k]), treeOver(hashes[k:]))
}

func TestMerkleProofs(t *testing.T) {
	for n := 1; n <= 70; n++ {
		list := ids(n)
		root := MerkleRoot(list)
		for i := range list {
			path := MerkleProof(list, i)
			if !VerifyMerkleProof(root, list[i], i, n, path) {
				t.Errorf("%d ids: the proof for %d does not pass", n, i)
			}
			for other := -1; other <= n; other++ {
				if other != i && VerifyMerkleProof(root, list[i], other, n, path) {
					t.Errorf("%d ids: the proof for %d passes for %d", n, i, other)
				}
			}
		}
	}
}

// A proof in which anything was changed does not pass.
func TestMerkleProofChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "count")
		list, i := ids(n), rapid.IntRange(0, n-1).Draw(t, "index")
		root, id, path := MerkleRoot(list), list[i], MerkleProof(list, i)
		switch what := rapid.IntRange(0, 5).Draw(t, "change"); {
		case what == 0:
			root[rapid.IntRange(0, 31).Draw(t, "byte")]++
		case what == 1:
			id[rapid.IntRange(0, 31).Draw(t, "byte")]++
		case what == 2 && len(path) > 0:
			path[rapid.IntRange(0, len(path)-1).Draw(t, "step")][rapid.IntRange(0, 31).Draw(t, "byte")]++
		case what == 3 && len(path) > 0:
			path = path[:len(path)-1]
		case what == 4:
			path = append(path, root)
		default:
			// An inner node must not pass for a leaf.
			if len(path) == 0 {
				return
			}
			id, path, i, n = nodeHash(leafHash(list[i&^1]), leafHash(list[min(i|1, n-1)])), path[1:], i/2, (n+1)/2
		}
		if VerifyMerkleProof(root, id, i, n, path) {
			t.Fatalf("a changed proof passes")
		}
	})
}

func BenchmarkMerkleRoot(b *testing.B) {
	list := ids(1000)
	b.ReportAllocs()
	for b.Loop() {
		MerkleRoot(list)
	}
}
