package sim

import "github.com/cockroachdb/pebble/v2/vfs"

// syncPoints asks before each sync.
type syncPoints struct {
	vfs.FS
	disk *realDisk
}

type syncedFile struct {
	vfs.File
	disk *realDisk
}

func (s syncPoints) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return syncedFile{f, s.disk}, nil
}

// Create implements vfs.FS.
func (s syncPoints) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.file(s.FS.Create(name, c))
}

// OpenReadWrite implements vfs.FS.
func (s syncPoints) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return s.file(s.FS.OpenReadWrite(name, c, o...))
}

// ReuseForWrite implements vfs.FS.
func (s syncPoints) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.file(s.FS.ReuseForWrite(from, to, c))
}

// OpenDir implements vfs.FS.
func (s syncPoints) OpenDir(name string) (vfs.File, error) { return s.file(s.FS.OpenDir(name)) }

// Sync implements vfs.File.
func (f syncedFile) Sync() error {
	if err := f.disk.point(); err != nil {
		return err
	}
	return f.File.Sync()
}

// SyncData implements vfs.File.
func (f syncedFile) SyncData() error {
	if err := f.disk.point(); err != nil {
		return err
	}
	return f.File.SyncData()
}
