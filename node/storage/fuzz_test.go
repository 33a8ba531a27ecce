package storage

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzStamp opens a folder with an arbitrary stamp: it is refused and stays as it
// is, or the stamp was this validator's.
func FuzzStamp(f *testing.F) {
	made := vfs.NewMem()
	if err := openMem(f, made).Close(); err != nil {
		f.Fatal(err)
	}
	good := readAll(f, made, "/data/"+stampFile)
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"format": 4`), []byte(`"format": 3`), 1))
	f.Add(bytes.Replace(good, []byte(`"format": 4`), []byte(`"format": 5`), 1))
	f.Add(bytes.Replace(good, []byte("true"), []byte("false"), 1))
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"posnet": "data folder of a validator", "name": "\u001b[2J"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		disk := vfs.NewMem()
		writeAll(t, disk, "/data/"+stampFile, text)
		var s stamp
		var err error
		fuzzed.Memory(t, len(text), func() { s, err = readStamp(disk, "/data") })
		if err == nil {
			err = s.check("/data", testIdentity)
		}
		fuzzed.Sentence(t, err)
		if same := s.Network == testIdentity.Network && s.Validator == testIdentity.Validator && (s.Format == format || s.Format == olderFormat); err == nil && !same {
			t.Errorf("%q passes for this validator's", text)
		}
	})
}

// FuzzStoredBlock reads arbitrary bytes as a stored block.
func FuzzStoredBlock(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 'a', 'b', 'c'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 'a'})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		var block, certificate []byte
		var err error
		fuzzed.Memory(t, len(value), func() { block, certificate, err = splitBlock(7, value) })
		fuzzed.Sentence(t, err)
		e := types.NewEncoder("", len(value))
		e.Bytes(block)
		e.Fixed(certificate)
		if err == nil && !bytes.Equal(e.Data(), value) {
			t.Errorf("%x is split into %x and %x", value, block, certificate)
		}
	})
}

// FuzzFolder damages one file of a folder and opens it, to be read and to be gone
// on with: whatever is read is what was written, or there is an error that says
// what to do.
func FuzzFolder(f *testing.F) {
	disk := vfs.NewCrashableMem()
	var s script
	for heights := uint64(3); heights <= 9; heights += 3 { // each start leaves files of its own
		if err := s.run(disk, heights); err != nil {
			f.Fatal(err)
		}
	}
	files := listAll(f, disk, "/data")
	for i := range files {
		f.Add(uint8(i), uint16(0), []byte{1}, false)
		f.Add(uint8(i), uint16(200), []byte{0xff, 0xff, 0xff, 0xff}, false)
		f.Add(uint8(i), uint16(100), []byte{}, true)
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, by []byte, cut bool) {
		damaged := disk.CrashClone(vfs.CrashCloneCfg{})
		name := files[int(which)%len(files)]
		content := readAll(t, damaged, name)
		if start := int(at) % (len(content) + 1); cut {
			content = content[:start]
		} else {
			for i := range min(len(by), len(content)-start) {
				content[start+i] ^= by[i]
			}
		}
		writeAll(t, damaged, name, content)
		fuzzed.Once(t, folderBytes, func() {
			data, err := OpenOn(damaged, "/data", testIdentity, testLogger)
			if err != nil {
				fuzzed.Sentence(t, err)
				return
			}
			defer data.Close()
			err = s.reads(data)
			fuzzed.Sentence(t, err)
			if errors.Is(err, errOther) {
				t.Errorf("%s, damaged at %d by %x (cut: %v): %v", name, at, by, cut, err)
			}
		})
	})
}

// folderBytes is what the opening of a small folder may take from the heap: its
// tables are allocated at their full size.
const folderBytes = 32 << 20

var errOther = errors.New("what is read was not written")

// reads checks that what a folder gives is what the script wrote.
func (s *script) reads(data *Data) error {
	head := data.Store.Head()
	if head > s.committed.Load() {
		return errOther
	}
	var wrong error
	err := data.Store.Blocks(1, func(h uint64, block, certificate []byte) bool {
		if want := height(h); !bytes.Equal(block, want.Block) || !bytes.Equal(certificate, want.Certificate) {
			wrong = errOther
		}
		return wrong == nil
	})
	if err = errors.Join(err, wrong); err != nil {
		return err
	}
	entries, err := data.SignLog.Entries()
	for _, e := range entries {
		if want := vote(e.Height, e.Kind); !bytes.Equal(e.Data, want.Data) {
			return errOther
		}
	}
	return err
}

func listAll(t testing.TB, disk vfs.FS, dir string) (files []string) {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := disk.Stat(path); err != nil {
			t.Fatal(err)
		} else if info.IsDir() {
			files = append(files, listAll(t, disk, path)...)
		} else if name != lockFile {
			files = append(files, path)
		}
	}
	return files
}

func readAll(t testing.TB, disk vfs.FS, path string) []byte {
	t.Helper()
	file, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return data
}

func writeAll(t testing.TB, disk vfs.FS, path string, data []byte) {
	t.Helper()
	err := disk.MkdirAll(filepath.Dir(path), os.ModePerm)
	file, failure := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err = errors.Join(err, failure); err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
	if dir, err := disk.OpenDir(filepath.Dir(path)); err == nil {
		_ = errors.Join(dir.Sync(), dir.Close())
	}
}
