package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/node/failpoint"
)

const (
	// signChunk is by how much the file grows at a time, filled with zeros: to
	// overwrite them later changes no size, which makes the sync a third cheaper.
	signChunk = 1 << 20

	// pruneAbove is the size above which the file is written anew without what
	// was pruned; a busy validator signs about a megabyte per second.
	pruneAbove = 4 << 20

	// maxSignFile bounds what is read at the start. A file stays near
	// pruneAbove, and one height's entries come on top.
	maxSignFile = 1 << 30
)

// signFileLog is the SignLog on disk.
type signFileLog struct {
	disk       vfs.FS
	path       string
	chunk      int64 // signChunk, or less in tests
	pruneAbove int64 // likewise

	mu      sync.Mutex
	file    vfs.File
	header  signHeader
	entries []position
	end     int64 // where the next frame goes
	size    int64 // of the file; zeros from end on
	buf     []byte
	broken  error // of the disk; every later write fails with it
	doubt   bool  // the file's end is damaged; it stays so until there is a new entry
}

// openSignLog opens the log at path; create says whether it may be made.
func openSignLog(disk vfs.FS, path string, id Identity, create bool, logger *slog.Logger) (*signFileLog, error) {
	l := &signFileLog{disk: disk, path: path, chunk: signChunk, pruneAbove: pruneAbove}
	return l, l.open(id, create, logger)
}

func (l *signFileLog) open(id Identity, create bool, logger *slog.Logger) error {
	_, err := l.disk.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		l.header = newSignHeader(id, false)
		if err := l.rewrite(); err != nil {
			return fmt.Errorf("storage: cannot make the sign log: %w", err)
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("storage: the sign log %s is missing, %s", l.path, signAdvice)
	}
	l.file, err = l.disk.OpenReadWrite(l.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("storage: cannot open the sign log: %w", err)
	}
	if err := l.load(id, logger); err != nil {
		return errors.Join(err, l.file.Close())
	}
	return nil
}

func (l *signFileLog) load(id Identity, logger *slog.Logger) error {
	data, err := io.ReadAll(io.LimitReader(l.file, maxSignFile+1))
	if err != nil {
		return fmt.Errorf("storage: cannot read the sign log %s: %w", l.path, err)
	}
	if len(data) > maxSignFile {
		return fmt.Errorf("storage: the sign log %s is larger than %d bytes, more than a sign log ever holds: put back the right file", l.path, maxSignFile)
	}
	s, err := scanSignFile(l.path, data, id)
	if err != nil {
		return err
	}
	l.header, l.entries, l.end, l.size, l.doubt = s.header, s.entries, s.end, int64(len(data)), s.torn
	if l.doubt {
		logger.Warn("the end of the sign log is damaged, as when the machine stops in the midst of a write: the validator watches before it votes", "file", l.path, "offset", l.end)
	}
	return nil
}

// rewrite puts a new file with the present entries in the old one's place.
func (l *signFileLog) rewrite() error {
	entries, err := l.read()
	if err != nil {
		return err
	}
	header := newSignHeader(l.header.id, l.used())
	buf := header.encode()
	list := make([]position, 0, len(entries))
	for _, e := range entries {
		at := int64(len(buf))
		list = append(list, position{height: e.Height, at: at + headBytes, size: entryBytes + len(e.Data)})
		buf = header.appendFrame(buf, at, []SignEntry{e})
	}
	end := int64(len(buf))
	buf = append(buf, make([]byte, l.chunk)...)
	file, err := replaceFile(l.disk, l.path, buf)
	if err != nil {
		return err
	}
	if l.file != nil {
		err = l.file.Close()
	}
	l.file, l.header, l.entries, l.end, l.size = file, header, list, end, int64(len(buf))
	return err
}

// read returns the entries from the file.
func (l *signFileLog) read() ([]SignEntry, error) {
	entries := make([]SignEntry, len(l.entries))
	for i, p := range l.entries {
		b := make([]byte, p.size)
		if _, err := l.file.ReadAt(b, p.at); err != nil {
			return nil, fmt.Errorf("read %s: %w", l.path, err)
		}
		e, err := decodeSignEntry(b)
		if err != nil {
			return nil, fmt.Errorf("read %s at byte %d: %w", l.path, p.at, err)
		}
		entries[i] = e
	}
	return entries, nil
}

// Entries implements SignLog.
func (l *signFileLog) Entries() ([]SignEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries, err := l.read()
	if err != nil {
		return nil, fmt.Errorf("storage: the sign log: %w", err)
	}
	return entries, nil
}

// Append implements SignLog.
func (l *signFileLog) Append(entries ...SignEntry) error {
	if err := checkSignSize(entries); err != nil || len(entries) == 0 {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := l.mend(); err != nil {
		l.broken = fmt.Errorf("storage: cannot mend the sign log %s, so the validator must not vote: %w", l.path, err)
		return l.broken
	}
	l.buf = l.header.appendFrame(l.buf[:0], l.end, entries)
	if err := l.write(l.buf); err != nil {
		l.broken = fmt.Errorf("storage: cannot write the sign log %s, so the validator must not vote: %w", l.path, err)
		return l.broken
	}
	at := l.end + headBytes
	for _, e := range entries {
		size := entryBytes + len(e.Data)
		l.entries = append(l.entries, position{height: e.Height, at: at, size: size})
		at += int64(size)
	}
	l.end += int64(len(l.buf))
	if cap(l.buf) > signChunk {
		l.buf = nil // a block is rare enough to not hold its room
	}
	return nil
}

// mend takes away what is behind the last whole frame, if anything is. The doubt
// lasts until then, over restarts: who has not voted since cannot vouch for it.
func (l *signFileLog) mend() error {
	if !l.doubt {
		return nil
	}
	l.doubt = false
	return l.rewrite()
}

// write puts a frame at the end and syncs it, with fresh room behind it where
// the room was used up.
func (l *signFileLog) write(frame []byte) error {
	if end := l.end + int64(len(frame)); end >= l.size {
		size := (end/l.chunk + 1) * l.chunk
		if _, err := l.file.WriteAt(make([]byte, size-l.size), l.size); err != nil {
			return err
		}
		l.size = size
	}
	if _, err := l.file.WriteAt(frame, l.end); err != nil {
		return err
	}
	failpoint.Pass(failpoint.SignWritten)
	return l.file.SyncData()
}

// Prune implements SignLog.
func (l *signFileLog) Prune(below uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if l.end < l.pruneAbove || l.doubt {
		return nil
	}
	var live int64
	for _, p := range l.entries {
		if p.height >= below {
			live += int64(p.size)
		}
	}
	if 2*live > l.end {
		return nil // to copy more than is won would never end
	}
	used := l.used()
	kept := l.entries[:0]
	for _, p := range l.entries {
		if p.height >= below {
			kept = append(kept, p)
		}
	}
	l.entries, l.header.used = kept, used
	if err := l.rewrite(); err != nil {
		l.broken = fmt.Errorf("storage: cannot prune the sign log %s, so the validator must not vote: %w", l.path, err)
		return l.broken
	}
	return nil
}

func (l *signFileLog) used() bool { return l.header.used || len(l.entries) > 0 }

// Fresh implements SignLog.
func (l *signFileLog) Fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.used() || l.doubt
}

// Close implements SignLog.
func (l *signFileLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, errClosed) {
		return nil
	}
	l.broken = errClosed
	return l.file.Close()
}

// errClosed meets whoever writes after Close.
var errClosed = errors.New("storage: already closed")

func checkSignSize(entries []SignEntry) error {
	var sum int
	for _, e := range entries {
		sum += entryBytes + len(e.Data)
	}
	if sum > MaxSignBytes {
		return fmt.Errorf("storage: %d entries of %d bytes for the sign log: at most %d bytes are taken at a time", len(entries), sum, MaxSignBytes)
	}
	return nil
}
