package storage

import (
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failStop is a file system that changes nothing any more once something went
// wrong with it: what is on disk then is what a power cut would leave, and that
// can be opened again.
//
// It also keeps the process alive to say so. Pebble panics, on a goroutine of
// its own, if a folder cannot be synced. It is told that all is well instead,
// the fault is noted, and nothing that builds on it can be done. And while a
// database is opened, whoever of Pebble's meets the fault is held: see phase.
type failStop struct {
	vfs.FS
	faults *faults
}

type failStopFile struct {
	vfs.File
	faults *faults
	folder bool
}

func (s failStop) file(f vfs.File, err error, folder bool) (vfs.File, error) {
	if err != nil {
		return nil, s.faults.met(err)
	}
	return failStopFile{f, s.faults, folder}, nil
}

func (s failStop) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.faults.refused(); err != nil {
		return nil, err
	}
	f, err := s.FS.Create(name, c)
	return s.file(f, err, false)
}

func (s failStop) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := s.faults.refused(); err != nil {
		return nil, err
	}
	f, err := s.FS.OpenReadWrite(name, c, o...)
	return s.file(f, err, false)
}

func (s failStop) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.faults.refused(); err != nil {
		return nil, err
	}
	f, err := s.FS.ReuseForWrite(from, to, c)
	return s.file(f, err, false)
}

func (s failStop) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	return s.file(f, err, true)
}

// List implements vfs.FS. It is the last that Pebble asks of the disk before it
// has opened.
func (s failStop) List(dir string) ([]string, error) {
	names, err := s.FS.List(dir)
	return names, s.faults.met(err)
}

// Lock does nothing: the whole data folder is locked already, and a database
// that could not be opened must not hold it.
func (s failStop) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (s failStop) Link(from, to string) error {
	return s.unless(func() error { return s.FS.Link(from, to) })
}

// Remove implements vfs.FS. What cannot be removed does no harm, and holds
// nobody.
func (s failStop) Remove(name string) error {
	if err := s.faults.refused(); err != nil {
		return err
	}
	return s.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (s failStop) RemoveAll(name string) error {
	if err := s.faults.refused(); err != nil {
		return err
	}
	return s.FS.RemoveAll(name)
}

func (s failStop) Rename(from, to string) error {
	return s.unless(func() error { return s.FS.Rename(from, to) })
}

func (s failStop) MkdirAll(dir string, perm fs.FileMode) error {
	return s.unless(func() error { return s.FS.MkdirAll(dir, perm) })
}

// unless does something unless there was a fault.
func (s failStop) unless(do func() error) error {
	if err := s.faults.refused(); err != nil {
		return err
	}
	return s.faults.met(do())
}

func (f failStopFile) Write(b []byte) (int, error) {
	if err := f.faults.refused(); err != nil {
		return 0, err
	}
	n, err := f.File.Write(b)
	return n, f.faults.met(err)
}

func (f failStopFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.faults.refused(); err != nil {
		return 0, err
	}
	n, err := f.File.WriteAt(b, at)
	return n, f.faults.met(err)
}

func (f failStopFile) Sync() error {
	err := f.faults.refused()
	if err == nil {
		err = f.faults.met(f.File.Sync())
	}
	if err != nil && f.folder {
		f.faults.add(err)
		return nil
	}
	return err
}

func (f failStopFile) SyncData() error {
	if err := f.faults.refused(); err != nil {
		return err
	}
	return f.faults.met(f.File.SyncData())
}

func (f failStopFile) SyncTo(length int64) (bool, error) {
	if err := f.faults.refused(); err != nil {
		return false, err
	}
	whole, err := f.File.SyncTo(length)
	return whole, f.faults.met(err)
}

func (f failStopFile) Close() error { return f.faults.met(f.File.Close()) }
