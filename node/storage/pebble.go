package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A node has to do with 100 MiB in all, so that Pebble gets little.
const (
	memTableBytes  = 8 << 20 // two of them at most: one fills while the other goes to disk
	cacheBytes     = 8 << 20
	maxOpenFiles   = 256
	tableFileBytes = 8 << 20 // few files, and a compaction never holds many blocks
	bloomBits      = 10      // one lookup of an unknown record in a hundred reads the disk in vain

	// Most keys are hashes, in no order and read seldom. Larger pieces and fewer,
	// later compactions than Pebble's own choice save an eighth of the work.
	pieceBytes     = 32 << 10
	filesToCompact = 8
)

// Infof implements pebble.Logger; what Pebble does when all is well is not worth
// a line.
func (f *faults) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *faults) Errorf(format string, args ...any) {
	f.logger.Warn("storage: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Pebble expects the process to end here; ours
// goes on to say what happened, and stores nothing more.
func (f *faults) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	for _, a := range args {
		if cause, ok := a.(error); ok {
			err = cause
		}
	}
	f.add(err)
}

// listener reports failures in the background. Most of them are about space;
// Pebble would try again and again while writers wait, but a validator that
// cannot store must stop and say so.
func (f *faults) listener() *pebble.EventListener {
	l := &pebble.EventListener{
		BackgroundError: f.background,
		FlushBegin:      func(pebble.FlushInfo) { f.makesUp() },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.logger.Error("a stored file is damaged", "file", info.Path, "error", info.Details)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			f.logger.Warn("the disk is slower than the blocks come", "reason", info.Reason)
		},
	}
	l.EnsureDefaults(nil)
	return l
}

func pebbleOptions(disk vfs.FS, create bool, f *faults) *pebble.Options {
	o := &pebble.Options{
		FS:                          disk,
		ErrorIfNotExists:            !create,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 2,
		CacheSize:                   cacheBytes + 2*memTableBytes, // Pebble takes the tables' room out of it
		MaxOpenFiles:                maxOpenFiles,
		L0CompactionThreshold:       filesToCompact,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		Logger:                      f,
		EventListener:               f.listener(),
	}
	o.Experimental.FileCacheShards = 1
	o.TargetFileSizes[0] = tableFileBytes
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		o.Levels[i].BlockSize = pieceBytes
	}
	// Keys and signatures do not compress.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	return o
}

// openPebble opens a database, which create allows to be made.
func openPebble(disk vfs.FS, dir string, create bool, f *faults) (*pebble.DB, error) {
	return openWith(dir, pebbleOptions(manifestFirst{failStop{disk, f}}, create, f), f)
}

// openWith opens a database and turns whatever a damaged one does, a panic
// included, into one error; and so a disk that fails meanwhile, upon which what
// was opened so far is left as it is.
func openWith(dir string, options *pebble.Options, f *faults) (*pebble.DB, error) {
	type result struct {
		db  *pebble.DB
		err error
	}
	done := make(chan result, 1)
	f.beginOpening()
	go func() {
		db, err := openCalmly(dir, options)
		done <- result{db, err}
	}()
	select {
	case err := <-f.failed:
		return nil, openError(dir, err)
	case o := <-done:
		if !f.endOpening() {
			return nil, openError(dir, <-f.failed) // Pebble is held, though just now it was ready
		}
		if o.err == nil && f.err() != nil {
			o.err = errors.Join(f.err(), o.db.Close())
		}
		if o.err != nil {
			return nil, openError(dir, o.err)
		}
		return o.db, nil
	}
}

// openCalmly is pebble.Open without a panic.
func openCalmly(dir string, options *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			err = r
		default:
			err = fmt.Errorf("%v", r)
		}
	}()
	return pebble.Open(dir, options)
}

// oneLine is an error told on one line; Pebble's may go on with details of its
// making, and quote a damaged file.
type oneLine struct{ error }

// maxQuoted is how many bytes of an error of Pebble's are told: its longest sentences.
const maxQuoted = 400

func (e oneLine) Error() string {
	first, _, _ := strings.Cut(e.error.Error(), "\n")
	if len(first) > maxQuoted {
		first = first[:maxQuoted] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(first, "�"))
}

func (e oneLine) Unwrap() error { return e.error }

// advice is what to do about damaged files.
const advice = "put the files back, or remove the whole data folder, upon which the blocks are fetched from the other nodes"

// advised is an error of Pebble's as a person reads it. Damage of an old file may
// come to light long after the start, when somebody reads it or a compaction does.
func advised(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("a file is damaged: %s (%w)", advice, oneLine{err})
	}
	return oneLine{err}
}

func openError(dir string, err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("storage: the chain in %s is missing or has lost its main files: %s", dir, advice)
	case errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("storage: the chain in %s cannot be opened: %w", dir, oneLine{err})
	}
	return fmt.Errorf("storage: the chain in %s is damaged: %s (%w)", dir, advice, oneLine{err})
}

// manifestFirst puts the name of a new manifest on disk before Pebble writes
// the marker that points to it. Pebble syncs both names at once, and a file
// system that keeps no order may then lose the first alone in a power cut.
type manifestFirst struct{ vfs.FS }

func (m manifestFirst) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := m.FS.Create(name, category)
	if err == nil && strings.HasPrefix(m.PathBase(name), "MANIFEST-") {
		if err = syncFolder(m.FS, m.PathDir(name)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, err
}
