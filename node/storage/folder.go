package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/types"
)

// What lies in a data folder.
const (
	stampFile = "IDENTITY" // whose folder it is
	lockFile  = "LOCK"     // held by the process that uses the folder
	chainDir  = "chain"    // Pebble: blocks, state, indices
	signFile  = "sign.log" // what the validator signed
	tempEnd   = ".tmp"     // of a file that is written beside, to take another's place
)

// format is the version of all that lies in the folder. The headers of 1 did not
// name the validators of the next height; handovers of 2 had no header of their own.
// The state of 3, which is read still, is that of the newest block, and not a height
// late: programs that write it take what is late for damage.
const (
	format      = 4
	olderFormat = 3
)

// stamp is the content of the stamp file. Ready is false until chain and sign
// log have been made, so that a folder that was interrupted while being made is
// told from one that lost its files.
type stamp struct {
	Posnet    string          `json:"posnet"` // always stampMark
	Format    int             `json:"format"`
	Network   types.Hash      `json:"network"`
	Validator types.PublicKey `json:"validator"`
	Name      string          `json:"name"`
	Ready     bool            `json:"ready"`
}

const stampMark = "data folder of a validator"

// maxStampBytes bounds what is read of a stamp file; it takes about 300 bytes.
const maxStampBytes = 4 << 10

// Open opens the data folder dir of one validator, and makes and stamps it
// where there is none. It fails, changing nothing, if the folder belongs to
// another network or validator or to another program, is in use, or is
// damaged; the error says what to do. Without a logger, notes go nowhere.
func Open(dir string, id Identity, logger *slog.Logger) (*Data, error) {
	return OpenOn(failpoint.FileSystem(vfs.Default), dir, id, logger)
}

// OpenOn is Open on any file system, such as one that loses what was not
// synced.
func OpenOn(disk vfs.FS, dir string, id Identity, logger *slog.Logger) (*Data, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := makeFolder(disk, dir); err != nil {
		return nil, err
	}
	if _, err := readStamp(disk, dir); errors.Is(err, fs.ErrNotExist) {
		if err := checkUnused(disk, dir); err != nil {
			return nil, err
		}
	}
	lock, err := lockFolder(disk, dir)
	if err != nil {
		return nil, err
	}
	data, err := openLocked(disk, dir, id, logger)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	data.release = sync.OnceValue(lock.Close)
	return data, nil
}

func makeFolder(disk vfs.FS, dir string) error {
	info, err := disk.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = disk.MkdirAll(dir, 0o700); err == nil {
			err = syncFolder(disk, filepath.Dir(dir))
		}
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("storage: %s is a file: the data folder must be a folder", dir)
	}
	if err != nil {
		return fmt.Errorf("storage: cannot make the data folder %s: %w", dir, err)
	}
	return nil
}

// checkUnused refuses a folder without a stamp in which somebody else's files
// lie. A file system's own lost+found is nobody's.
func checkUnused(disk vfs.FS, dir string) error {
	names, err := disk.List(dir)
	if err != nil {
		return fmt.Errorf("storage: cannot read the data folder %s: %w", dir, err)
	}
	for _, name := range names {
		switch name {
		case lockFile, stampFile + tempEnd, "lost+found":
		default:
			return fmt.Errorf("storage: %s is no data folder of posnet: it holds other files, such as %q; nothing was changed: use an empty or new folder", dir, name)
		}
	}
	return nil
}

func lockFolder(disk vfs.FS, dir string) (io.Closer, error) {
	// The lock is kept by path, so that one process must not come by two names.
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("storage: cannot use the data folder %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	lock, err := disk.Lock(filepath.Join(path, lockFile))
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("storage: cannot write to the data folder %s: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("storage: the data folder %s is in use by another node: stop that one first, or use another folder (%w)", dir, err)
	}
	return lock, nil
}

func openLocked(disk vfs.FS, dir string, id Identity, logger *slog.Logger) (*Data, error) {
	s, err := readStamp(disk, dir)
	if errors.Is(err, fs.ErrNotExist) {
		s = stamp{Posnet: stampMark, Format: format, Network: id.Network, Validator: id.Validator, Name: id.Name}
		err = writeStamp(disk, dir, s)
	}
	if err != nil {
		return nil, err
	}
	if err := s.check(dir, id); err != nil {
		return nil, err
	}
	signed, err := openSignLog(disk, filepath.Join(dir, signFile), id, !s.Ready, logger)
	if err != nil {
		return nil, err
	}
	chain, err := openChain(disk, filepath.Join(dir, chainDir), !s.Ready, logger)
	if err != nil {
		return nil, errors.Join(err, signed.Close())
	}
	if !s.Ready {
		failpoint.Pass(failpoint.FolderMade)
	}
	if !s.Ready || s.Format != format {
		s.Ready, s.Format = true, format
		if err := writeStamp(disk, dir, s); err != nil {
			return nil, errors.Join(err, signed.Close(), chain.Close())
		}
	}
	return &Data{Store: chain, SignLog: signed}, nil
}

// readStamp returns fs.ErrNotExist, wrapped, where there is no stamp.
func readStamp(disk vfs.FS, dir string) (stamp, error) {
	path := filepath.Join(dir, stampFile)
	f, err := disk.Open(path)
	if err != nil {
		return stamp{}, fmt.Errorf("storage: cannot read whose data folder this is: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxStampBytes))
	if err != nil {
		return stamp{}, fmt.Errorf("storage: cannot read whose data folder this is: %w", err)
	}
	var s stamp
	if err := json.Unmarshal(data, &s); err != nil || s.Posnet != stampMark {
		return stamp{}, fmt.Errorf("storage: %s does not say whose data folder this is: it is damaged or another program's; put it back, or remove the whole data folder", path)
	}
	return s, nil
}

func writeStamp(disk vfs.FS, dir string, s stamp) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("storage: cannot stamp %s: %w", dir, err)
	}
	f, err := replaceFile(disk, filepath.Join(dir, stampFile), append(data, '\n'))
	if err != nil {
		return fmt.Errorf("storage: cannot stamp the data folder %s: %w", dir, err)
	}
	return f.Close()
}

func (s stamp) check(dir string, id Identity) error {
	switch {
	case s.Format != format && s.Format != olderFormat:
		return fmt.Errorf("storage: the data folder %s has format %d, this program reads formats %d and %d: use the program that wrote it, or remove the folder", dir, s.Format, olderFormat, format)
	case s.Network != id.Network:
		return fmt.Errorf("storage: the data folder %s belongs to network %s, this is network %s: use another folder, or remove this one", dir, s.Network.Short(), id.Network.Short())
	case s.Validator != id.Validator:
		return fmt.Errorf("storage: the data folder %s belongs to validator %s (%s), this is %s (%s): use another folder, or remove this one", dir, s.Name, s.Validator.Short(), id.Name, id.Validator.Short())
	}
	return nil
}

// replaceFile writes a file whole or not at all, whenever the machine stops: it
// is written beside, synced, and takes path's place. It returns the open file.
func replaceFile(disk vfs.FS, path string, data []byte) (vfs.File, error) {
	temp := path + tempEnd
	if err := disk.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := disk.OpenReadWrite(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		failpoint.Pass(failpoint.FileReplacing)
		err = disk.Rename(temp, path)
	}
	if err == nil {
		failpoint.Pass(failpoint.FileReplaced)
		err = syncFolder(disk, filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncFolder(disk vfs.FS, dir string) error {
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Remove deletes a data folder of posnet, so that Open makes it anew. A folder
// that does not exist is fine; one that is not posnet's, or in use, is an error
// and stays as it is.
func Remove(dir string) error {
	disk := vfs.Default
	if _, err := disk.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := disk.Stat(filepath.Join(dir, stampFile)); err != nil {
		if err := checkUnused(disk, dir); err != nil {
			return err
		}
	}
	lock, err := lockFolder(disk, dir)
	if err != nil {
		return err
	}
	return errors.Join(disk.RemoveAll(dir), lock.Close())
}
