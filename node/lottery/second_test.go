package lottery

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"slices"
)

// This file is the draw a second time, so plainly that it can be seen to be
// right.

// dumbOrder is the draw as doc.go tells it: every weight is laid out as tokens
// that bear an id, and the token at the number drawn wins.
func dumbOrder(seed Seed, height uint64, participants []Participant) (order [][32]byte, numbers, totals []uint64) {
	left := slices.Clone(participants)
	slices.SortFunc(left, func(a, b Participant) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for round := 0; len(left) > 0; round++ {
		var tokens [][32]byte
		for _, p := range left {
			for range p.Weight {
				tokens = append(tokens, p.ID)
			}
		}
		drawn, _ := dumbNumber(seed, height, round, big.NewInt(int64(len(tokens))))
		n := drawn.Uint64()
		winner := tokens[n]
		order, numbers, totals = append(order, winner), append(numbers, n), append(totals, uint64(len(tokens)))
		left = slices.DeleteFunc(left, func(p Participant) bool { return p.ID == winner })
	}
	return order, numbers, totals
}

// dumbNumber draws with integers of any size, and counts the hashes.
func dumbNumber(seed Seed, height uint64, round int, total *big.Int) (n *big.Int, hashes int) {
	bitsWanted := new(big.Int).Sub(total, big.NewInt(1)).BitLen()
	for counter := 0; ; counter++ {
		digest := sha256.Sum256(concat([]byte("posnet/draw/v1"), seed[:],
			wide(height, 8), wide(uint64(round), 4), wide(uint64(counter), 4)))
		n := new(big.Int).SetBytes(digest[:8])
		n.Rsh(n, uint(64-bitsWanted))
		if n.Cmp(total) < 0 {
			return n, counter + 1
		}
	}
}

// wide returns n as so many bytes, the highest first.
func wide(n uint64, bytes int) []byte {
	return new(big.Int).SetUint64(n).FillBytes(make([]byte, bytes))
}

// linearOrder is dumbOrder for totals that no list of tokens can hold.
func linearOrder(seed Seed, height uint64, participants []Participant) [][32]byte {
	left := slices.Clone(participants)
	slices.SortFunc(left, func(a, b Participant) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	var order [][32]byte
	for round := 0; len(left) > 0; round++ {
		total := new(big.Int)
		for _, p := range left {
			total.Add(total, new(big.Int).SetUint64(p.Weight))
		}
		n, _ := dumbNumber(seed, height, round, total)
		i := 0
		for ; n.Cmp(new(big.Int).SetUint64(left[i].Weight)) >= 0; i++ {
			n.Sub(n, new(big.Int).SetUint64(left[i].Weight))
		}
		order = append(order, left[i].ID)
		left = slices.Delete(left, i, i+1)
	}
	return order
}
