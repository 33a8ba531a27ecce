//go:build !unix

package storage

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockToRead takes the lock that a node takes; two who read keep each other
// out here. Without the file no node ever ran there.
func lockToRead(path string) (io.Closer, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nobody{}, nil
	}
	return vfs.Default.Lock(path)
}
