// Package logs writes the log of each node of a laptop's network to a file of
// bounded size, and tells warnings to whoever watches.
package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// MaxFileBytes is how large a log grows before it becomes NAME.1 and a new one
// begins: a few days of a busy node, and with a hundred nodes not the whole disk.
const MaxFileBytes = 8 << 20

// File is a log file that takes at most twice its limit on disk: itself and
// the one before it. It is safe for concurrent use.
type File struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenFile opens a log to append to, and makes it where there is none. limit is
// in bytes.
func OpenFile(path string, limit int64) (*File, error) {
	f := &File{path: path, limit: limit}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("the log cannot be written: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Write implements io.Writer.
func (f *File) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, fs.ErrClosed
	}
	if f.size > 0 && f.size+int64(len(line)) > f.limit {
		if err := f.turn(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(line)
	f.size += int64(n)
	return n, err
}

// turn begins a new file; the one that is full takes the place of the one
// before it.
func (f *File) turn() error {
	err := f.file.Close()
	f.file = nil
	return errors.Join(err, os.Rename(f.path, f.path+".1"), f.open())
}

// Close implements io.Closer. Whatever is written afterwards is an error.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
