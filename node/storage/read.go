package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Kept is a data folder opened to be read. Commit and Put of its store fail.
type Kept struct {
	Store
	Identity Identity // whose folder it is

	lock io.Closer
}

// Close closes the store and lets a node have the folder again.
func (k *Kept) Close() error { return errors.Join(k.Store.Close(), k.lock.Close()) }

// OpenToRead opens the data folder dir, whosever it is, to be read. Nothing in
// it is changed, and it may lie on a disk that cannot be written. It fails if a
// node runs on it, and holds nodes off until it is closed; several may read at
// the same time. A process must not read the folder of a node of its own.
func OpenToRead(dir string, logger *slog.Logger) (*Kept, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	disk := untouched{vfs.Default}
	s, err := readStamp(disk, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("storage: %s is no data folder of posnet: it has no file %s (%w)", dir, stampFile, err)
	}
	if err != nil {
		return nil, err
	}
	id := Identity{Network: s.Network, Validator: s.Validator, Name: s.Name}
	if err := s.check(dir, id); err != nil {
		return nil, err
	}
	lock, err := lockToRead(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("storage: the data folder %s is in use by a node that runs: stop it first, or ask the node itself by its client API (%w)", dir, err)
	}
	c := &chain{dir: filepath.Join(dir, chainDir), faults: newFaults(logger)}
	options := pebbleOptions(disk, false, c.faults)
	options.ReadOnly = true
	if c.db, err = openWith(c.dir, options, c.faults); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := c.findHead(); err != nil {
		_ = c.db.Close() // where a file is damaged this fails, too, for the same reason
		return nil, errors.Join(err, lock.Close())
	}
	return &Kept{Store: c, Identity: id, lock: lock}, nil
}

// errUntouched is the error of whatever would change a folder opened to be read.
var errUntouched = fmt.Errorf("the folder was opened to be read: %w", fs.ErrPermission)

// untouched is a file system on which nothing can be changed.
type untouched struct{ vfs.FS }

func (untouched) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, errUntouched }
func (untouched) Link(_, _ string) error                                 { return errUntouched }
func (untouched) OpenReadWrite(string, vfs.DiskWriteCategory, ...vfs.OpenOption) (vfs.File, error) {
	return nil, errUntouched
}
func (untouched) Remove(string) error    { return errUntouched }
func (untouched) RemoveAll(string) error { return errUntouched }
func (untouched) Rename(_, _ string) error {
	return errUntouched
}
func (untouched) ReuseForWrite(_, _ string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, errUntouched
}
func (untouched) MkdirAll(string, fs.FileMode) error { return errUntouched }

// Lock is for the lock of the database inside, which nobody has who has not
// that of the folder.
func (untouched) Lock(string) (io.Closer, error) { return nobody{}, nil }

type nobody struct{}

func (nobody) Close() error { return nil }
