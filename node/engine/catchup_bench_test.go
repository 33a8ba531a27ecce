package engine

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// BenchmarkCatchUp measures how fast an empty node with a disk fetches a chain
// of signed transfers from one peer and applies it.
func BenchmarkCatchUp(b *testing.B) {
	for _, c := range []struct{ blocks, records int }{{231, 15}, {100, 300}, {20, 2500}} {
		b.Run(fmt.Sprintf("blocks=%d,records=%d", c.blocks, c.records), func(b *testing.B) {
			people := make([]string, 1000)
			for i := range people {
				people[i] = fmt.Sprint("person ", i)
			}
			w := prepareNetwork(b, []uint64{25, 25, 25, 25}, func(g *genesis.Genesis, _ []*config.Config) {
				for _, name := range people {
					g.Accounts = append(g.Accounts, genesis.Account{Account: forge.Account(name), Balance: 1 << 20})
				}
			})
			chain := forge.New(w.genesis)
			for n := range c.blocks {
				records := make([]*types.Record, c.records)
				for i := range records {
					from := n*c.records + i
					records[i] = chain.Pay(people[from%len(people)], people[(7*from+1)%len(people)], 1)
				}
				chain.Add(records...)
			}
			w.give(0, chain)
			w.start(0)
			var used time.Duration
			for b.Loop() {
				b.StopTimer()
				data, err := storage.Open(b.TempDir(), storage.Identity{Network: w.genesis.Network(), Validator: w.nodes[3].key()}, nil)
				if err != nil {
					b.Fatal(err)
				}
				w.nodes[3].data = data
				before := processorTime(b)
				b.StartTimer()
				w.start(3)
				if err := w.nodes[3].WaitBlock(context.Background(), uint64(c.blocks)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				used += processorTime(b) - before
				w.stop(3)
				if err := data.Close(); err != nil {
					b.Fatal(err)
				}
				w.nodes[3].newDisk() // what is left is looked at in the end
				b.StartTimer()
			}
			b.ReportMetric(float64(c.records*c.blocks*b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(used.Microseconds())/float64(c.records*c.blocks*b.N), "cpu-us/record")
			b.ReportMetric(float64(c.blocks*b.N)/b.Elapsed().Seconds(), "blocks/s")
		})
	}
}

// processorTime is what this process has used of the processors so far: unlike
// the time on the clock it says something on a machine that is shared.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSnapshot measures how fast an empty node with a disk goes on from the
// snapshot of a peer with a disk.
func BenchmarkSnapshot(b *testing.B) {
	for _, accounts := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			w := prepareNetwork(b, []uint64{25, 25, 25, 25}, func(g *genesis.Genesis, configs []*config.Config) {
				for i := range accounts {
					g.Accounts = append(g.Accounts, genesis.Account{Account: types.KeyedAccount(types.PublicKey(types.SumHash(fmt.Append(nil, i)))), Balance: 1})
				}
				configs[3].Storage.KeepBlocks = 1
			})
			chain := forge.New(w.genesis)
			for range 10 {
				chain.Add(chain.Mint(open(b, 1), 1, 0))
			}
			w.nodes[0].onDisk(b.TempDir())
			b.Cleanup(func() { w.nodes[0].newDisk() })
			w.give(0, &forge.Chain{Blocks: chain.Blocks[:9]})
			view, err := w.nodes[0].data.Store.View()
			if err != nil {
				b.Fatal(err)
			}
			w.give(0, chain)
			w.nodes[0].tune = func(e *Engine) { e.keeper.add(&kept{height: 8, view: view}) }
			w.start(0)
			for b.Loop() {
				b.StopTimer()
				w.nodes[3].onDisk(b.TempDir())
				b.StartTimer()
				w.start(3)
				if err := w.nodes[3].WaitBlock(context.Background(), 10); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if w.nodes[3].Oldest() != 10 {
					b.Fatal("it has taken the blocks")
				}
				w.stop(3)
				if err := w.nodes[3].data.Close(); err != nil {
					b.Fatal(err)
				}
				w.nodes[3].newDisk()
				b.StartTimer()
			}
			b.ReportMetric(float64(accounts*b.N)/b.Elapsed().Seconds(), "accounts/s")
		})
	}
}
