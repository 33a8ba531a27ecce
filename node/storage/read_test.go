package storage

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// marks lists all files of a folder with the times of their last change.
func marks(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		fmt.Fprintln(&out, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// killedFolder is the folder of a process that was killed in the midst of its
// work: the newest blocks are in Pebble's log only.
func killedFolder(t *testing.T) (dir string, committed uint64) {
	t.Helper()
	dir = t.TempDir()
	child, lines := startChild(t, dir)
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "committed %d", &committed); err == nil && committed >= 30 { // a group may end above
			break
		}
	}
	child.Process.Kill()
	for lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "committed %d", &committed)
	}
	child.Wait()
	return dir, committed
}

func startChild(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
	})
	return child, bufio.NewScanner(out)
}

// Who reads a folder sees all of it, by whatever its node was ended, and leaves
// no trace in it.
func TestOpenToRead(t *testing.T) {
	killed, committed := killedFolder(t)
	for name, c := range map[string]struct {
		dir  string
		head uint64
	}{
		"closed": {filledFolder(t), 50},
		"killed": {killed, committed},
	} {
		t.Run(name, func(t *testing.T) {
			before := marks(t, c.dir)
			kept, err := OpenToRead(c.dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if kept.Identity != testIdentity || kept.Head() < c.head {
				t.Errorf("the folder of %+v has height %d, want %d", kept.Identity, kept.Head(), c.head)
			}
			second, err := OpenToRead(c.dir, nil)
			if err != nil {
				t.Errorf("a second reader: %v", err)
			} else if err := second.Close(); err != nil {
				t.Error(err)
			}
			next := uint64(1)
			err = kept.Blocks(0, func(h uint64, block, certificate []byte) bool {
				want := height(h)
				if h != next || string(block) != string(want.Block) || string(certificate) != string(want.Certificate) {
					t.Errorf("height %d reads as %d, %q, %q", next, h, block, certificate)
				}
				next++
				return true
			})
			if err != nil || next != kept.Head()+1 {
				t.Errorf("read up to %d: %v", next-1, err)
			}
			if kept.Commit(height(kept.Head()+1)) == nil || kept.Put(Change{Key: []byte("k"), Value: []byte("v")}) == nil {
				t.Error("a folder opened to be read was written")
			}
			if err := kept.Close(); err != nil {
				t.Error(err)
			}
			if after := marks(t, c.dir); after != before {
				t.Errorf("the folder was changed:\n%s\nbefore:\n%s", after, before)
			}
			openTest(t, c.dir) // its node may have it again
		})
	}
}

func TestOpenToReadRefused(t *testing.T) {
	empty := t.TempDir()
	_, err := OpenToRead(empty, nil)
	wantError(t, err, "is no data folder of posnet: it has no file IDENTITY")
	_, err = OpenToRead(filepath.Join(empty, "nowhere"), nil)
	wantError(t, err, "is no data folder of posnet")
	if files, _ := os.ReadDir(empty); len(files) > 0 {
		t.Errorf("the folder has %v now", files)
	}

	used := t.TempDir()
	child, lines := startChild(t, used)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "open") {
		t.Fatalf("the process said %q", lines.Text())
	}
	_, err = OpenToRead(used, nil)
	wantError(t, err, "is in use by a node that runs: stop it first, or ask the node itself by its client API")
	child.Process.Kill()
	child.Wait()

	lost := filledFolder(t)
	remove(t, lost, "chain/*.sst")
	_, err = OpenToRead(lost, nil)
	wantError(t, err, "is damaged")
}

// While somebody reads a folder no node can have it: the process that tries
// says so.
func TestReadersKeepNodesOff(t *testing.T) {
	dir := filledFolder(t)
	kept, err := OpenToRead(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, lines := startChild(t, dir)
	if !lines.Scan() || !strings.Contains(lines.Text(), "is in use") {
		t.Errorf("the process said %q", lines.Text())
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if _, lines = startChild(t, dir); !lines.Scan() || !strings.HasPrefix(lines.Text(), "open") {
		t.Errorf("afterwards the process said %q", lines.Text())
	}
}
