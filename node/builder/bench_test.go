package builder_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/pool"
	"github.com/posnet/posnet/node/types"
)

func BenchmarkRule(b *testing.B) {
	for _, text := range []string{"pool.size >= 3", "pool.size >= 3 || idle >= duration('10s')"} {
		b.Run(text, func(b *testing.B) {
			rule, err := builder.Compile(text)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := rule.Eval(builder.Inputs{Size: 1, Idle: time.Second}); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkPath measures what a record costs a node from its verified signature
// to the committed state: Admit, Add, Pack, Finish, Commit, Digest, Remove and
// PurgeStale.
func BenchmarkPath(b *testing.B) {
	const accounts = 1000
	all := builder.Limits{Records: types.MaxBlockRecords, Bytes: types.MaxBlockBytes}
	for _, size := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			s := newState(b, accounts, 1<<40)
			p := pool.New(key(authority))
			nonces := make([]uint64, accounts)
			records := make([]types.VerifiedRecord, size)
			made := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range records {
					who := made % accounts
					records[i] = pay(people+who, nonces[who], 1)
					nonces[who]++
					made++
				}
				b.StartTimer()
				for _, rec := range records {
					if err := s.Admit(rec.Record()); err != nil {
						b.Fatal(err)
					}
					if err := p.Add(rec, types.Time(made)); err != nil {
						b.Fatal(err)
					}
				}
				commit(b, s, p, all)
			}
			if p.Stats().Size > 0 {
				b.Fatalf("%d records are left", p.Stats().Size)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/record")
		})
	}
}

func commit(b *testing.B, s *ledger.State, p *pool.Pool, limits builder.Limits) {
	trial := s.Begin(s.Height()+1, key(alice), key(alice))
	packing, err := builder.Pack(trial, p.All(), limits)
	if err != nil || len(packing.Dropped) > 0 {
		b.Fatal(err, packing.Dropped)
	}
	delta, err := trial.Finish(lottery.Output{})
	if err != nil {
		b.Fatal(err)
	}
	s.Commit(delta)
	s.Digest()
	p.Remove(ids(packing.Packed))
	for signer, next := range delta.Nonces() {
		p.PurgeStale(signer, next)
	}
}

// BenchmarkPackReversed packs records that came in the worst order: each waits
// for the one after it.
func BenchmarkPackReversed(b *testing.B) {
	const n = 10_000
	s := newState(b, 1, 1<<40)
	records := make([]types.VerifiedRecord, n)
	for i := range records {
		records[n-1-i] = pay(people, uint64(i), 1)
	}
	for b.Loop() {
		got, err := builder.Pack(s.Begin(1, key(alice), key(alice)), slices.Values(records), builder.Limits{Records: n, Bytes: types.MaxBlockBytes})
		if err != nil || len(got.Packed) != n {
			b.Fatal(err, len(got.Packed))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
}
