package verify_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// BenchmarkFolder verifies the folder of a busy network: blocks of a thousand
// signed transfers between a thousand people. It also reports processor time
// per record, which a busy neighbour does not change: what one core can do.
func BenchmarkFolder(b *testing.B) {
	const blocks, records = 20, 1000
	made := forge.Busy(blocks, records)
	dir := filepath.Join(b.TempDir(), "data")
	if err := made.Store(dir); err != nil {
		b.Fatal(err)
	}
	f, err := source.OpenFolder(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	before := processorTime(b)
	for b.Loop() {
		r, err := verify.Run(b.Context(), verify.Options{Genesis: made.Genesis, Source: f})
		if err != nil || r.Fault != nil || r.Tally.Blocks != blocks {
			b.Fatal(r, err)
		}
	}
	report(b, records*blocks, processorTime(b)-before)
}

// report tells how fast records were verified, each of b.N times so many.
func report(b *testing.B, records int, used time.Duration) {
	all := float64(b.N * records)
	b.ReportMetric(all/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(used.Microseconds())/all, "cpu-µs/record")
}

// processorTime is what this process has used of all cores.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
