package storage

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

var testLogger = slog.New(slog.DiscardHandler)

// writtenLog returns the bytes of a sign log with the votes of heights 1 to
// heights, and where each height's frame ends.
func writtenLog(t testing.TB, heights uint64) (file []byte, ends []int64) {
	t.Helper()
	disk := vfs.NewMem()
	log := smallSignLog(t, disk)()
	ends = append(ends, log.end)
	for h := uint64(1); h <= heights; h++ {
		appendVotes(t, log, h, h)
		ends = append(ends, log.end)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := disk.UnsafeGetFileDataBuffer("sign.log")
	if err != nil {
		t.Fatal(err)
	}
	return file, ends
}

// opened opens a file as a sign log.
func opened(t testing.TB, file []byte) (*signFileLog, error) {
	t.Helper()
	disk := vfs.NewMem()
	f, err := replaceFile(disk, "sign.log", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	log := &signFileLog{disk: disk, path: "sign.log", chunk: 512, pruneAbove: 4096}
	return log, log.open(testIdentity, false, testLogger)
}

// Whatever byte the file is cut at, all entries before the cut are there, or an
// error is told; and the log goes on from there.
func TestSignLogCutAnywhere(t *testing.T) {
	file, ends := writtenLog(t, 4)
	for cut := range file {
		log, err := opened(t, file[:cut])
		if cut < headerBytes {
			wantError(t, err, "head of the sign log", "put the file back, or remove the whole data folder")
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		whole := uint64(0)
		for h, end := range ends {
			if end <= int64(cut) {
				whole = uint64(h)
			}
		}
		// Of a frame that ends in padding, the padding may be lost.
		if entries, _ := log.Entries(); uint64(len(entries)) == 2*whole+2 {
			whole++
		}
		checkVotes(t, log, 1, whole)
		if lost := whole < 4 || cut == 0; lost && !log.Fresh() {
			t.Errorf("cut at %d, votes are lost and it does not show", cut)
		}
		appendVotes(t, log, whole+1, whole+2)
		if log.Fresh() {
			t.Errorf("cut at %d, it is in doubt for ever", cut)
		}
		checkVotes(t, log, 1, whole+2)
		log.Close()
	}
}

// Whatever byte is changed, what is read is what was written: all of it, all
// but the last frame, or nothing but an error.
func TestSignLogFlippedAnywhere(t *testing.T) {
	file, ends := writtenLog(t, 4)
	last := ends[len(ends)-2] // where the last frame begins
	for at := range file {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(file)
			bad[at] ^= flip
			log, err := opened(t, bad)
			switch {
			case at < headerBytes:
				wantError(t, err, "sign log", "remove the whole data folder")
			case int64(at) < last && err != nil:
				wantError(t, err, "damaged at byte", "entries that are whole", "remove the whole data folder")
			case err != nil:
				t.Fatalf("byte %d changed: %v", at, err)
			default:
				heights := uint64(4)
				if entries, _ := log.Entries(); len(entries) == 6 && int64(at) >= last {
					heights = 3 // the last frame alone may pass for torn
				}
				if heights < 4 && !log.Fresh() {
					t.Errorf("byte %d changed, votes are lost and it does not show", at)
				}
				checkVotes(t, log, 1, heights)
				log.Close()
			}
		}
	}
}

// A frame whose pieces reached the disk in any order, when the machine stopped
// in the midst of it, is dropped: it was never acknowledged.
func TestSignLogTornInTheMiddleOfAFrame(t *testing.T) {
	file, ends := writtenLog(t, 4)
	begin, end := ends[3], ends[4]
	for from := begin; from < end; from += 4 {
		for to := from + 4; to <= end; to += 16 {
			bad := bytes.Clone(file)
			clear(bad[from:to])
			if bytes.Equal(bad, file) {
				continue
			}
			log, err := opened(t, bad)
			if err != nil {
				t.Fatalf("zeros from %d to %d: %v", from, to, err)
			}
			checkVotes(t, log, 1, 3)
			if torn := len(bytes.Trim(bad[begin:], "\x00")) > 0; log.Fresh() != torn {
				t.Errorf("zeros from %d to %d: fresh %v", from, to, log.Fresh())
			}
			log.Close()
		}
	}
}

// A log stays in doubt over restarts, until there is a new entry.
func TestSignLogStaysInDoubt(t *testing.T) {
	file, ends := writtenLog(t, 4)
	file[ends[3]+headBytes] ^= 1
	log, err := opened(t, file)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func() {
		t.Helper()
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		log = &signFileLog{disk: log.disk, path: log.path, chunk: log.chunk, pruneAbove: 1}
		if err := log.open(testIdentity, false, testLogger); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := log.Prune(3); err != nil || !log.Fresh() {
			t.Errorf("fresh %v, %v", log.Fresh(), err)
		}
		checkVotes(t, log, 1, 3)
		reopen()
	}
	appendVotes(t, log, 5, 5)
	reopen()
	checkVotes(t, log, 5, 5)
	if log.Fresh() {
		t.Error("it is in doubt for ever")
	}
}

// What is left of a longer torn frame does not come back behind a shorter one.
func TestSignLogForgetsWhatWasTorn(t *testing.T) {
	file, ends := writtenLog(t, 4)
	bad := bytes.Clone(file)
	bad[ends[2]+headBytes] ^= 1 // height 3 is damaged, height 4 is whole
	if _, err := opened(t, bad); err == nil {
		t.Fatal("damage before a whole frame is not told")
	}
	bad = append(bytes.Clone(file), bytes.Repeat([]byte("torn"), 1000)...)
	log, err := opened(t, bad)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	checkVotes(t, log, 1, 4)
	appendVotes(t, log, 5, 5)
	rest, err := log.disk.Open("sign.log")
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	data := make([]byte, log.size)
	if _, err := rest.ReadAt(data, 0); err != nil || bytes.Contains(data, []byte("torn")) {
		t.Errorf("the torn bytes are still there, %v", err)
	}
}

func TestSignLogOfSomebodyElse(t *testing.T) {
	file, _ := writtenLog(t, 1)
	disk := func(change func(*Identity)) error {
		id := testIdentity
		change(&id)
		_, err := scanSignFile("sign.log", file, id)
		return err
	}
	wantError(t, disk(func(id *Identity) { id.Network = types.Hash{9} }), "belongs to validator 02000000 on network 01000000, this is 02000000 on 09000000", "use another folder")
	wantError(t, disk(func(id *Identity) { id.Validator = types.PublicKey{9} }), "belongs to validator 02000000", "this is 09000000")
	if err := disk(func(id *Identity) { id.Name = "another name" }); err != nil {
		t.Error(err)
	}
}

// FuzzSignFile reads arbitrary files: never a panic, and what is accepted holds
// entries that can be read.
func FuzzSignFile(f *testing.F) {
	file, ends := writtenLog(f, 3)
	for _, end := range ends {
		f.Add(file[:end])
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0}, 200))
	f.Fuzz(func(t *testing.T, file []byte) {
		log, err := opened(t, file)
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		defer log.Close()
		if _, err := log.Entries(); err != nil {
			t.Errorf("accepted, but its entries cannot be read: %v", err)
		}
	})
}
