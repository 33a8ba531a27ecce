package storage

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// childFolder, where set, tells the test binary to be the process that is
// killed: it works in that folder until its end.
const childFolder = "POSNET_STORAGE_TEST_FOLDER"

// beChild signs and commits for ever and says on standard output, line by line,
// what was acknowledged.
func beChild() {
	dir := os.Getenv(childFolder)
	if dir == "" {
		return
	}
	data, err := Open(dir, testIdentity, nil)
	var group []Commit
	for h := uint64(0); err == nil; h++ {
		if h == 0 {
			h = data.Store.Head() + 1
			fmt.Println("open", h)
		}
		if err = data.SignLog.Append(vote(h, 1), vote(h, 2)); err != nil {
			break
		}
		fmt.Println("signed", h)
		if group = append(group, height(h)); groupEnd(h) > h {
			continue
		}
		if err = data.Store.Commit(group...); err != nil {
			break
		}
		group = nil
		fmt.Println("committed", h)
		err = data.SignLog.Prune(h)
	}
	fmt.Println("error", err)
	os.Exit(1)
}

// TestKilledProcess kills a process in the midst of its work, again and again
// on the same folder, and looks whether anything acknowledged is missing.
func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	const rounds = 6
	for round := range rounds {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), childFolder+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.AfterFunc(30*time.Second, func() { child.Process.Kill() })
		var signed, committed uint64
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			word, number, _ := strings.Cut(lines.Text(), " ")
			h, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				t.Fatalf("the process said %q", lines.Text())
			}
			switch word {
			case "signed":
				signed = h
			case "committed":
				committed = h
			}
			if n == 20+37*round { // at another point each time; what it still says is read to the end
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		child.Wait()
		deadline.Stop()
		if committed == 0 {
			t.Fatal("the process was not killed in the midst of its work")
		}
		if err := check(vfs.Default, dir, signed, committed); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// While a process uses a folder no other may; when it is killed, the folder is
// free again.
func TestFolderInUseByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		child.Process.Kill()
		child.Wait()
	}()
	if lines := bufio.NewScanner(out); !lines.Scan() || !strings.HasPrefix(lines.Text(), "open") {
		t.Fatalf("the process said %q", lines.Text())
	}
	_, err = Open(dir, testIdentity, nil)
	wantError(t, err, "storage: the data folder "+dir+" is in use by another node: stop that one first, or use another folder")
	wantError(t, Remove(dir), "is in use by another node")
	child.Process.Kill()
	child.Wait()
	openTest(t, dir)
}
