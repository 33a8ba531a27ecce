package faults_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/posnet/posnet/test/processes"
)

// diskBytes is the size of the small disk: the data of the longest run, and room
// to be filled.
const diskBytes = "size=256m"

// smallDisk gives a node that is gone a disk of its own, with its data on it. It
// is a file system in memory, for which one has to be root.
type smallDisk struct {
	t    *testing.T
	path string
}

// mountDisk reports whether it may.
func mountDisk(t *testing.T, p *processes.Process) (*smallDisk, bool) {
	t.Helper()
	d := &smallDisk{t, p.Data()}
	aside := d.path + ".aside"
	d.must(os.Rename(d.path, aside))
	d.must(os.Mkdir(d.path, 0o700))
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, diskBytes); err != nil {
		t.Logf("  no disk of its own (%v)", err)
		d.must(os.Remove(d.path))
		d.must(os.Rename(aside, d.path))
		return nil, false
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.path, syscall.MNT_DETACH) }) // where the test failed
	d.must(os.CopyFS(d.path, os.DirFS(aside)))
	d.must(os.RemoveAll(aside))
	return d, true
}

// leave puts the data back where they were.
func (d *smallDisk) leave() {
	d.t.Helper()
	aside := d.path + ".aside"
	d.must(os.CopyFS(aside, os.DirFS(d.path)))
	d.must(syscall.Unmount(d.path, 0))
	d.must(os.Remove(d.path))
	d.must(os.Rename(aside, d.path))
}

// filler is the name of what takes up the rest of the disk: a folder, as
// another program would make it.
const filler = "lost+found"

// fill leaves no room on the disk.
func (d *smallDisk) fill() {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.path, filler))
	d.must(err)
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("the disk should be full: %v", err)
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// free makes room again.
func (d *smallDisk) free() { d.must(os.Remove(filepath.Join(d.path, filler))) }

// remount says whether the disk can only be read from now on.
func (d *smallDisk) remount(readOnly bool) {
	d.t.Helper()
	var flags uintptr
	if readOnly {
		flags = syscall.MS_RDONLY
	}
	d.must(syscall.Mount("tmpfs", d.path, "tmpfs", syscall.MS_REMOUNT|flags, diskBytes))
}

func (d *smallDisk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}
