package types

import (
	"crypto/sha256"
	"math/bits"
)

// The tree over a block's record ids is that of RFC 6962, section 2.1: leaves
// and inner nodes are hashed under different prefixes, so that neither passes
// for the other.

func leafHash(id Hash) Hash {
	var b [1 + 32]byte // a thousand leaves are hashed per block: nothing goes to the heap
	copy(b[1:], id[:])
	return sha256.Sum256(b[:])
}

func nodeHash(l, r Hash) Hash {
	b := [1 + 32 + 32]byte{1}
	copy(b[1:], l[:])
	copy(b[33:], r[:])
	return sha256.Sum256(b[:])
}

func splitPoint(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// MerkleRoot returns the RFC 6962 tree hash over ids; of none, the hash of
// the empty string.
func MerkleRoot(ids []Hash) Hash {
	switch len(ids) {
	case 0:
		return SumHash()
	case 1:
		return leafHash(ids[0])
	}
	k := splitPoint(len(ids))
	return nodeHash(MerkleRoot(ids[:k]), MerkleRoot(ids[k:]))
}

// MerkleProof returns the audit path of RFC 6962, section 2.1.1, for the
// record at index, from the leaf's sibling up. index must be within ids.
func MerkleProof(ids []Hash, index int) []Hash {
	if len(ids) <= 1 {
		return nil
	}
	k := splitPoint(len(ids))
	if index < k {
		return append(MerkleProof(ids[:k], index), MerkleRoot(ids[k:]))
	}
	return append(MerkleProof(ids[k:], index-k), MerkleRoot(ids[:k]))
}

// VerifyMerkleProof reports whether path proves that id is the record at index
// among count records under root (RFC 9162, section 2.1.3.2).
func VerifyMerkleProof(root, id Hash, index, count int, path []Hash) bool {
	if index < 0 || index >= count {
		return false
	}
	at, last, sum := index, count-1, leafHash(id)
	for _, p := range path {
		if last == 0 {
			return false
		}
		if at%2 == 1 || at == last {
			sum = nodeHash(p, sum)
			for at%2 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			sum = nodeHash(sum, p)
		}
		at, last = at>>1, last>>1
	}
	return last == 0 && sum == root
}
