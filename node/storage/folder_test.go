package storage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/types"
)

// filledFolder makes a data folder with some heights, closed.
func filledFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	for _, from := range []uint64{1, 26} { // a restart turns Pebble's log into a table
		data, err := Open(dir, testIdentity, nil)
		if err != nil {
			t.Fatal(err)
		}
		commitUpTo(t, data.Store, from+24)
		appendVotes(t, data.SignLog, from, from+24)
		if err := data.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// snapshot lists all files of a folder with their content.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockFile {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %s\n", path, types.SumHash(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A folder that is not this validator's is refused with one sentence, and
// nothing in it changes.
func TestFolderRefused(t *testing.T) {
	filled := filledFolder(t)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string) Identity
		want  string // DIR stands for the folder
	}{
		"another network": {
			func(*testing.T, string) Identity {
				return Identity{Network: types.Hash{7}, Validator: testIdentity.Validator, Name: "alice"}
			},
			"storage: the data folder DIR belongs to network 01000000, this is network 07000000: use another folder, or remove this one",
		},
		"another validator": {
			func(*testing.T, string) Identity {
				return Identity{Network: testIdentity.Network, Validator: types.PublicKey{8}, Name: "bob"}
			},
			"storage: the data folder DIR belongs to validator alice (02000000), this is bob (08000000): use another folder, or remove this one",
		},
		"a newer format": {
			func(t *testing.T, dir string) Identity {
				reformat(t, dir, format, format+1)
				return testIdentity
			},
			"storage: the data folder DIR has format 5, this program reads formats 3 and 4: use the program that wrote it, or remove the folder",
		},
		"a stamp of garbage": {
			func(t *testing.T, dir string) Identity {
				write(t, filepath.Join(dir, stampFile), "\x00\x01garbage")
				return testIdentity
			},
			"storage: DIR/IDENTITY does not say whose data folder this is: it is damaged or another program's; put it back, or remove the whole data folder",
		},
		"another program's IDENTITY": {
			func(t *testing.T, dir string) Identity {
				write(t, filepath.Join(dir, stampFile), `{"format": 1}`)
				return testIdentity
			},
			"storage: DIR/IDENTITY does not say whose data folder this is: it is damaged or another program's; put it back, or remove the whole data folder",
		},
		"no stamp": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, stampFile)
				return testIdentity
			},
			`storage: DIR is no data folder of posnet: it holds other files, such as "`,
		},
		"no chain": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, chainDir)
				return testIdentity
			},
			"storage: the chain in DIR/chain is missing or has lost its main files: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes",
		},
		"no manifest marker": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, "chain/marker.manifest*")
				return testIdentity
			},
			"storage: the chain in DIR/chain is missing or has lost its main files: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes",
		},
		"no manifest": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, "chain/MANIFEST*")
				return testIdentity
			},
			"storage: the chain in DIR/chain is damaged: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes (",
		},
		"a manifest of garbage": {
			func(t *testing.T, dir string) Identity {
				overwrite(t, dir, "chain/MANIFEST*", bytes.Repeat([]byte("garbage"), 100))
				return testIdentity
			},
			"storage: the chain in DIR/chain is damaged: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes (",
		},
		"an empty manifest": {
			func(t *testing.T, dir string) Identity {
				overwrite(t, dir, "chain/MANIFEST*", nil)
				return testIdentity
			},
			"storage: the chain in DIR/chain is damaged: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes (",
		},
		"no tables": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, "chain/*.sst")
				return testIdentity
			},
			"storage: the chain in DIR/chain is damaged: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes (",
		},
		"tables cut short": {
			func(t *testing.T, dir string) Identity {
				overwrite(t, dir, "chain/*.sst", []byte("short"))
				return testIdentity
			},
			"storage: the chain in DIR/chain is damaged: put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes (",
		},
		"no sign log": {
			func(t *testing.T, dir string) Identity {
				remove(t, dir, signFile)
				return testIdentity
			},
			"storage: the sign log DIR/sign.log is missing, without which the validator could contradict what it has signed: put the file back, or remove the whole data folder, upon which the validator watches before it votes",
		},
		"a sign log of garbage": {
			func(t *testing.T, dir string) Identity {
				overwrite(t, dir, signFile, bytes.Repeat([]byte("garbage"), 100))
				return testIdentity
			},
			"storage: the head of the sign log DIR/sign.log is damaged, or it is another program's file, without which the validator could contradict what it has signed: put the file back, or remove the whole data folder",
		},
		"an empty sign log": {
			func(t *testing.T, dir string) Identity {
				overwrite(t, dir, signFile, nil)
				return testIdentity
			},
			"storage: the head of the sign log DIR/sign.log is damaged",
		},
		"the sign log of another validator": {
			func(t *testing.T, dir string) Identity {
				bob := testIdentity
				bob.Validator = types.PublicKey{8}
				other := t.TempDir()
				data, err := Open(other, bob, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := data.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(other, signFile), filepath.Join(dir, signFile)); err != nil {
					t.Fatal(err)
				}
				return testIdentity
			},
			"storage: the sign log DIR/sign.log belongs to validator 08000000 on network 01000000, this is 02000000 on 01000000: use another folder",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyFolder(t, filled)
			id := c.spoil(t, dir)
			before := snapshot(t, dir)
			_, err := Open(dir, id, nil)
			wantError(t, err, strings.ReplaceAll(c.want, "DIR", dir))
			if after := snapshot(t, dir); after != before {
				t.Errorf("the files changed from\n%sto\n%s", before, after)
			}
			_, err = Open(dir, id, nil) // the lock was given back, and it fails as before
			wantError(t, err, strings.ReplaceAll(c.want, "DIR", dir))
		})
	}
}

func matches(t *testing.T, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is called %s: %v", pattern, err)
	}
	return paths
}

func remove(t *testing.T, dir, pattern string) {
	t.Helper()
	for _, path := range matches(t, dir, pattern) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(t *testing.T, dir, pattern string, content []byte) {
	t.Helper()
	for _, path := range matches(t, dir, pattern) {
		write(t, path, string(content))
	}
}

func TestFolderOfAnotherProgram(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.txt"), "years of work")
	before := snapshot(t, dir)
	_, err := Open(dir, testIdentity, nil)
	wantError(t, err, "storage: "+dir+` is no data folder of posnet: it holds other files, such as "thesis.txt"; nothing was changed: use an empty or new folder`)
	wantError(t, Remove(dir), "no data folder of posnet", "thesis.txt")
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder changed from\n%sto\n%s", before, after)
	}
}

func TestFolderIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	write(t, path, "")
	_, err := Open(path, testIdentity, nil)
	wantError(t, err, "storage: "+path+" is a file: the data folder must be a folder")
	_, err = Open(filepath.Join(path, "below"), testIdentity, nil)
	wantError(t, err, "storage: cannot make the data folder", path)
}

func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	data := openTest(t, dir)
	_, err := Open(dir, testIdentity, nil)
	wantError(t, err, "storage: the data folder "+dir+" is in use by another node: stop that one first, or use another folder")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	_, err = Open(link, testIdentity, nil)
	wantError(t, err, "in use by another node")
	wantError(t, Remove(dir), "in use by another node")
	commitUpTo(t, data.Store, 2) // the one that holds it is not disturbed
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, openTest(t, link).Store, 2)
}

// A folder whose making was interrupted, at any point, is made to the end.
func TestFolderHalfMade(t *testing.T) {
	for _, leave := range []string{"", lockFile, stampFile + tempEnd, "lost+found"} {
		dir := t.TempDir()
		if leave != "" {
			write(t, filepath.Join(dir, leave), "half a st")
		}
		commitUpTo(t, openTest(t, dir).Store, 1)
	}
	dir := filledFolder(t)
	path := filepath.Join(dir, stampFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(data), `"ready": true`, `"ready": false`, 1))
	remove(t, dir, signFile)
	if log := openTest(t, dir).SignLog; !log.Fresh() {
		t.Error("a log made anew is not fresh")
	}
}

func TestNameMayChange(t *testing.T) {
	dir := filledFolder(t)
	id := testIdentity
	id.Name = "another name"
	data, err := Open(dir, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	checkHolds(t, data.Store, 50)
}

func TestRemove(t *testing.T) {
	dir := filledFolder(t)
	for range 2 { // the second time there is nothing left
		if err := Remove(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Fatalf("the folder is still there: %v", err)
		}
	}
	if !openTest(t, dir).SignLog.Fresh() {
		t.Error("a folder made anew is not fresh")
	}
}

// reformat has the stamp of a folder tell of another format.
func reformat(t *testing.T, dir string, from, to int) {
	t.Helper()
	path := filepath.Join(dir, stampFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	now := strings.Replace(string(data), fmt.Sprintf(`"format": %d`, from), fmt.Sprintf(`"format": %d`, to), 1)
	if now == string(data) {
		t.Fatalf("the stamp does not tell of format %d: %s", from, data)
	}
	write(t, path, now)
}

// A folder of the older format is read as it is, and stamped anew before anything is
// written to it.
func TestOlderFormatIsStampedAnew(t *testing.T) {
	dir := t.TempDir()
	data := openTest(t, dir)
	commitUpTo(t, data.Store, 5)
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
	reformat(t, dir, format, olderFormat)
	kept, err := OpenToRead(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkHolds(t, kept, 5)
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, openTest(t, dir).Store, 5)
	reformat(t, dir, format, olderFormat) // fails unless the stamp is new
}
