package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Damage inside a table, which no one notices at the start, is an error of the
// read that meets it.
func TestDamageMetWhileReading(t *testing.T) {
	dir := filledFolder(t)
	for _, path := range matches(t, dir, "chain/*.sst") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte("certificate 7")); at >= 0 {
			data[at]++
		}
		write(t, path, string(data))
	}
	var notes bytes.Buffer
	data, err := Open(dir, testIdentity, slog.New(slog.NewTextHandler(&notes, nil)))
	if err == nil {
		_, _, err = data.Store.Block(7)
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	}
	wantError(t, err, "chain in "+dir+"/chain", "checksum mismatch", "remove the whole data folder")
}

// Whatever happens to Pebble's log, the folder opens with the heights up to
// some point, whole, or an error is told; there is no panic.
func TestDamagedLog(t *testing.T) {
	dir := filledFolder(t)
	path := matches(t, dir, "chain/*.log")[0]
	name := filepath.Base(path)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += 1 + len(good)/20 {
		damaged := copyFolder(t, dir)
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		write(t, filepath.Join(damaged, chainDir, name), string(bad))
		data, err := Open(damaged, testIdentity, nil)
		if err != nil {
			wantError(t, err, "chain in "+damaged+"/chain is damaged: put the files back, or remove the whole data folder")
			continue
		}
		checkHolds(t, data.Store, data.Store.Head())
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A sign log whose last entry was torn opens with a note.
func TestTornSignLogIsNoted(t *testing.T) {
	dir := filledFolder(t)
	path := filepath.Join(dir, signFile)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(file, "\x00"))
	write(t, path, string(file[:end-3]))
	var notes bytes.Buffer
	data, err := Open(dir, testIdentity, slog.New(slog.NewTextHandler(&notes, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	checkVotes(t, data.SignLog, 1, 49)
	if !strings.Contains(notes.String(), "the end of the sign log is damaged, as when the machine stops in the midst of a write: the validator watches before it votes") {
		t.Errorf("no note: %q", notes.String())
	}
}

// Damage in the log that Pebble writes first is told from an end that a power cut
// made: with what came behind it, acknowledged blocks would be gone.
func TestDamageInFirstLogIsNoticed(t *testing.T) {
	disk := vfs.NewMem()
	data := openMem(t, disk)
	commitUpTo(t, data.Store, 400) // more than the 32 KiB that Pebble checks as one
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := disk.List("/data/" + chainDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		if path := "/data/" + chainDir + "/" + name; strings.HasSuffix(name, ".log") {
			content := readAll(t, disk, path)
			content[len(content)/4] ^= 1
			writeAll(t, disk, path, content)
		}
	}
	_, err = OpenOn(disk, "/data", testIdentity, testLogger)
	wantError(t, err, "is damaged", "put the files back")
}

// A height that is gone, as with a log that Pebble does not miss, is noticed.
func TestGapIsNoticed(t *testing.T) {
	for _, height := range []uint64{2, 7, 9} {
		disk := vfs.NewMem()
		data := openMem(t, disk)
		commitUpTo(t, data.Store, 10)
		key := binary.BigEndian.AppendUint64([]byte{blockSpace}, height)
		if err := data.Store.(*chain).db.Delete(key, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := data.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := OpenOn(disk, "/data", testIdentity, testLogger)
		wantError(t, err, fmt.Sprintf("block %d is not in it and block %d is", height, height+1), "put the files back")
	}
}
