package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/posnet/posnet/node/types"
)

// BenchmarkCommit stores heights of signed transfers, each with 300 changes of
// state out of 100,000 accounts.
func BenchmarkCommit(b *testing.B) {
	for _, records := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			data := openTest(b, b.TempDir())
			heights := benchHeights(records)
			b.SetBytes(int64(len(heights[0].Block)))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				c := heights[i%len(heights)]
				c.Height = uint64(i + 1)
				for k := range c.Records {
					binary.BigEndian.PutUint64(c.Records[k][:], rand.Uint64()) // an id is there once
				}
				if err := data.Store.Commit(c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*records), "µs/record")
		})
	}
}

func benchHeights(records int) []Commit {
	source := rand.New(rand.NewChaCha8([32]byte{1}))
	random := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(source.Uint32())
		}
		return out
	}
	list := make([]Commit, 16)
	for i := range list {
		c := Commit{Block: random(300 + 180*records), Certificate: random(400)}
		for range records {
			c.Records = append(c.Records, types.Hash(random(32)))
		}
		for range 300 {
			account := sha256.Sum256(binary.BigEndian.AppendUint32(nil, source.Uint32N(100_000)))
			c.State = append(c.State, Change{Key: append([]byte{'A'}, account[:]...), Value: random(16)})
		}
		list[i] = c
	}
	return list
}

// BenchmarkSignLog appends a vote of ordinary size, synced.
func BenchmarkSignLog(b *testing.B) {
	log := openTest(b, b.TempDir()).SignLog
	data := make([]byte, 300)
	for i := range b.N {
		height := uint64(i / 3)
		if err := log.Append(SignEntry{Height: height, Kind: uint8(i % 3), Data: data}); err != nil {
			b.Fatal(err)
		}
		if i%3 == 0 {
			if err := log.Prune(height); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkPlaceUnknown looks for records that the chain does not hold.
func BenchmarkPlaceUnknown(b *testing.B) {
	data := openTest(b, b.TempDir())
	heights := benchHeights(1000)
	for i := range 200 {
		c := heights[i%len(heights)]
		c.Height = uint64(i + 1)
		for k := range c.Records {
			binary.BigEndian.PutUint64(c.Records[k][:], rand.Uint64())
		}
		if err := data.Store.Commit(c); err != nil {
			b.Fatal(err)
		}
	}
	var id types.Hash
	b.ResetTimer()
	for range b.N {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
		if _, _, ok, err := data.Store.Place(id); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
