package storage

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// vote makes an entry that can be told from its height and kind.
func vote(height uint64, kind uint8) SignEntry {
	return SignEntry{Height: height, Round: uint32(height % 3), Kind: kind, Data: fmt.Appendf(nil, "vote %d of %d", kind, height)}
}

func appendVotes(t testing.TB, log SignLog, from, to uint64) {
	t.Helper()
	for h := from; h <= to; h++ {
		if err := log.Append(vote(h, 1), vote(h, 2)); err != nil {
			t.Fatal(err)
		}
	}
}

// checkVotes checks that the log holds both votes of each height of a range, in
// order, and nothing above; below there may be more.
func checkVotes(t testing.TB, log SignLog, from, to uint64) {
	t.Helper()
	entries, err := log.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []SignEntry
	for h := from; h <= to; h++ {
		want = append(want, vote(h, 1), vote(h, 2))
	}
	for _, e := range entries {
		if e.Height >= from {
			got = append(got, e)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("the log holds %d entries from height %d on, want those of %d to %d: %v", len(got), from, from, to, got)
	}
}

func TestSignLogKeepsEntries(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		log := open().SignLog
		appendVotes(t, log, 1, 5)
		checkVotes(t, log, 1, 5)
		log = open().SignLog
		checkVotes(t, log, 1, 5)
		appendVotes(t, log, 6, 9)
		empty := SignEntry{Height: 10, Round: 1 << 31, Kind: 255}
		if err := log.Append(empty); err != nil {
			t.Fatal(err)
		}
		if err := log.Append(); err != nil {
			t.Fatal(err)
		}
		entries, err := open().SignLog.Entries()
		if last := entries[len(entries)-1]; err != nil || len(entries) != 19 || last.Round != 1<<31 || last.Kind != 255 || len(last.Data) != 0 {
			t.Errorf("%d entries, the last %v, %v", len(entries), last, err)
		}
	})
}

func TestSignLogIsFreshUntilTheFirstEntry(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		for range 2 { // to open a log is not to use it
			if !open().SignLog.Fresh() {
				t.Fatal("a log without an entry is not fresh")
			}
		}
		log := open().SignLog
		appendVotes(t, log, 1, 1)
		if log.Fresh() {
			t.Error("fresh after an entry")
		}
		if err := log.Prune(9); err != nil {
			t.Fatal(err)
		}
		if log.Fresh() || open().SignLog.Fresh() {
			t.Error("fresh again after pruning")
		}
	})
}

// A log stays used when all its entries were pruned away for good.
func TestSignLogPrunedToNothingIsNotFresh(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		log := open().SignLog
		fill(t, log, 1, pruneAbove)
		if err := log.Prune(2); err != nil {
			t.Fatal(err)
		}
		log = open().SignLog
		if entries, err := log.Entries(); len(entries) > 0 || err != nil || log.Fresh() {
			t.Errorf("%d entries, %v, fresh %v", len(entries), err, log.Fresh())
		}
	})
}

// fill appends entries of one height of some bytes altogether.
func fill(t testing.TB, log SignLog, height uint64, size int) {
	t.Helper()
	const piece = 256 << 10
	for ; size > 0; size -= piece {
		if err := log.Append(SignEntry{Height: height, Kind: 9, Data: bytes.Repeat([]byte{7}, piece)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignLogPrune(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		log := open().SignLog
		for h := uint64(1); h <= 40; h++ {
			appendVotes(t, log, h, h)
			fill(t, log, h, 1<<20)
			if err := log.Prune(h); err != nil {
				t.Fatal(err)
			}
			entries, err := log.Entries()
			if err != nil {
				t.Fatal(err)
			}
			live := 0
			for _, e := range entries {
				if e.Height == h {
					live++
				}
			}
			if live != 2+4 {
				t.Fatalf("after pruning below %d it has %d entries, want 6", h, live)
			}
		}
		if f, ok := log.(*signFileLog); ok && f.size > 2*pruneAbove {
			t.Errorf("the file has %d bytes: pruning wins nothing back", f.size)
		}
		entries, _ := open().SignLog.Entries()
		if last := entries[len(entries)-1]; last.Height != 40 || len(entries) > 6*6 {
			t.Errorf("%d entries, the last of height %d", len(entries), last.Height)
		}
	})
}

func TestSignLogTakesTheLargestBlock(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		log := open().SignLog
		largest := SignEntry{Height: 1, Data: bytes.Repeat([]byte("block"), (MaxSignBytes-entryBytes)/5)}
		wantError(t, log.Append(largest, vote(1, 1)), "at most", fmt.Sprint(MaxSignBytes))
		if err := log.Append(largest); err != nil {
			t.Fatal(err)
		}
		appendVotes(t, log, 2, 2)
		entries, err := open().SignLog.Entries()
		if err != nil || len(entries) != 3 || !bytes.Equal(entries[0].Data, largest.Data) {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		checkVotes(t, open().SignLog, 2, 2)
	})
}

// TestSignLogsAgree does the same random things to both.
func TestSignLogsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		memory, reopen := NewMemory().SignLog, smallSignLog(t, vfs.NewMem())
		disk := reopen()
		lowest := uint64(0)
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				var entries []SignEntry
				for range rapid.IntRange(0, 3).Draw(rt, "count") {
					size := rapid.SampledFrom([]int{0, 1, 99, 2000}).Draw(rt, "size")
					entries = append(entries, SignEntry{
						Height: rapid.Uint64Range(lowest, lowest+3).Draw(rt, "height"),
						Round:  rapid.Uint32().Draw(rt, "round"),
						Kind:   rapid.Uint8().Draw(rt, "kind"),
						Data:   bytes.Repeat([]byte{byte(size)}, size),
					})
				}
				sameError(rt, memory.Append(entries...), disk.Append(entries...))
			},
			"prune": func(rt *rapid.T) {
				lowest = rapid.Uint64Range(lowest, lowest+2).Draw(rt, "below")
				sameError(rt, memory.Prune(lowest), disk.Prune(lowest))
			},
			"reopen": func(*rapid.T) { disk = reopen() },
			"": func(rt *rapid.T) {
				a, err1 := memory.Entries()
				b, err2 := disk.Entries()
				if err1 != nil || err2 != nil || !sameFrom(lowest, a, b) || memory.Fresh() != disk.Fresh() {
					rt.Fatalf("memory has %d entries (%v), disk %d (%v)", len(a), err1, len(b), err2)
				}
			},
		})
	})
}

// smallSignLog opens the log of a disk again and again, with a file so small
// that it grows and is pruned all the time.
func smallSignLog(t testing.TB, disk vfs.FS) (reopen func() *signFileLog) {
	var last *signFileLog
	return func() *signFileLog {
		t.Helper()
		if last != nil {
			if err := last.Close(); err != nil {
				t.Fatal(err)
			}
		}
		last = &signFileLog{disk: disk, path: "sign.log", chunk: 512, pruneAbove: 4096}
		if err := last.open(testIdentity, true, testLogger); err != nil {
			t.Fatal(err)
		}
		return last
	}
}

// sameFrom compares entries from a height on.
func sameFrom(height uint64, a, b []SignEntry) bool {
	keep := func(list []SignEntry) (out []SignEntry) {
		for _, e := range list {
			if e.Height >= height {
				out = append(out, e)
			}
		}
		return out
	}
	a, b = keep(a), keep(b)
	for i := range a {
		if i >= len(b) || a[i].Height != b[i].Height || a[i].Round != b[i].Round || a[i].Kind != b[i].Kind || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return len(a) == len(b)
}
