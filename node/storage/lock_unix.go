//go:build unix

package storage

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// lockToRead takes the lock that a node takes, shared with others who read, and
// leaves its file as it is. Without the file no node ever ran there.
func lockToRead(path string) (io.Closer, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nobody{}, nil
	}
	if err != nil {
		return nil, err
	}
	lock := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
