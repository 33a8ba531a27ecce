package lottery

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Seed is the beacon's value for one height: all draws of that height follow
// from it and from the stakes.
type Seed [32]byte

const (
	genesisSeedDomain = "posnet/genesis-seed/v1"
	nextSeedDomain    = "posnet/seed/v1"
)

// GenesisSeed returns the seed of height 1: a hash of the nonce of the genesis
// file and of the VRF keys of all first validators. The order of the keys does
// not matter. The nonce must be fixed after the keys, or a validator could look
// for a key that wins.
func GenesisSeed(nonce [32]byte, vrfKeys [][32]byte) Seed {
	keys := slices.Clone(vrfKeys)
	slices.SortFunc(keys, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	buf := append([]byte(genesisSeedDomain), nonce[:]...)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(keys)))
	for _, key := range keys {
		buf = append(buf, key[:]...)
	}
	return sha256.Sum256(buf)
}

// NextSeed returns the seed of height+1, from the seed of height and the VRF
// output of the block committed there.
func NextSeed(seed Seed, height uint64, out Output) Seed {
	buf := append([]byte(nextSeedDomain), seed[:]...)
	buf = binary.BigEndian.AppendUint64(buf, height)
	buf = append(buf, out[:]...)
	return sha256.Sum256(buf)
}
