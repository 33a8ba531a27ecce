package ledger

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// crowded returns a state with n rich keyed accounts, and their nonces.
func crowded(b *testing.B, n int) (*State, []uint64) {
	g := newGenesis()
	g.Params.MaxGuests = 0
	for i := range n {
		g.Accounts = append(g.Accounts, genesis.Account{Account: keyed(1000 + i), Balance: 1 << 20})
	}
	return newTestState(b, g), make([]uint64, n)
}

func BenchmarkBlock(b *testing.B) {
	const accounts = 1000
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprintf("transfers=%d", size), func(b *testing.B) {
			s, nonces := crowded(b, accounts)
			records := make([]types.VerifiedRecord, size)
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range records {
					from := at % accounts
					records[i] = pay(keyed(1000+from), keyed(1000+(from*7+1)%accounts), 1, nonces[from])
					nonces[from]++
					at++
				}
				b.StartTimer()
				block(b, s, records...)
				s.Digest()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/record")
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	for _, changed := range []int{100, 1000} {
		b.Run(fmt.Sprintf("accounts=%d", changed), func(b *testing.B) {
			s, _ := crowded(b, 1000)
			var value [16]byte
			for i := 0; b.Loop(); i++ {
				binary.BigEndian.PutUint64(value[:], uint64(i))
				for n := range changed {
					a := keyed(1000 + n).Bytes()
					s.trie.put(append([]byte{accountKey, byte(types.Keyed)}, a...), value[:])
				}
				s.Digest()
			}
		})
	}
}

func BenchmarkAdmit(b *testing.B) {
	s, _ := crowded(b, 1000)
	rec := pay(keyed(1000), keyed(1001), 1, 3)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Admit(rec.Record()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory reports what an account takes, trie included.
func BenchmarkMemory(b *testing.B) {
	const accounts = 100_000
	for b.Loop() {
		b.StopTimer()
		g := newGenesis()
		entries := newTestState(b, g).Entries()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		s, err := Load(g, func(yield func(key, value []byte) error) error {
			for _, e := range entries {
				if err := yield(e.Key, e.Value); err != nil {
					return err
				}
			}
			var value [16]byte
			value[15] = 1
			for i := range accounts {
				c := newChangeList(1)
				c.account(keyed(1000+i), AccountState{Nonce: 1})
				if err := yield(c.list[0].Key, c.list[0].Value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/accounts, "bytes/account")
		runtime.KeepAlive(s)
		b.StartTimer()
	}
}

// BenchmarkLoad reports what it takes to read back a state of a million accounts
// and to know its digest.
func BenchmarkLoad(b *testing.B) {
	const accounts = 1_000_000
	g := newGenesis()
	entries := newTestState(b, g).Entries()
	key, value := make([]byte, 2+32), make([]byte, 16)
	key[0], key[1], value[15] = accountKey, byte(types.Keyed), 1 // a nonce, and no tokens
	for b.Loop() {
		s, err := Load(g, func(yield func(key, value []byte) error) error {
			for _, e := range entries {
				if err := yield(e.Key, e.Value); err != nil {
					return err
				}
			}
			for i := range uint64(accounts) {
				binary.BigEndian.PutUint64(key[2:], i*0x9e3779b97f4a7c15)
				if err := yield(key, value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		s.Digest()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*accounts), "ns/account")
}
