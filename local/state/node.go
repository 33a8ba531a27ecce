package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

// HasKeys reports whether a validator has keys, from this run or an earlier one.
func (f *Folder) HasKeys(name string) bool {
	_, err := os.Stat(filepath.Join(f.path, name, keysFile))
	return err == nil
}

// Keys returns the keys that a validator has.
func (f *Folder) Keys(name string) (config.Keys, error) {
	path := filepath.Join(f.path, name, keysFile)
	keys, err := config.LoadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Keys{}, missing(path)
	}
	if err != nil {
		return config.Keys{}, damaged(path, err)
	}
	return keys, nil
}

// MakeKeys makes the folder and the keys of a new validator. Keys that are
// there already are never overwritten: that is an error.
func (f *Folder) MakeKeys(name string) (config.Keys, error) {
	path := filepath.Join(f.path, name, keysFile)
	if f.HasKeys(name) {
		return config.Keys{}, fmt.Errorf("%s is there already", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return config.Keys{}, fmt.Errorf("the folder of validator %s cannot be made: %w", name, err)
	}
	keys := config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	return keys, replaceFile(path, keys.Encode(), 0o600)
}

// WriteConfig writes a validator's config, so that the node can also be run
// from its folder by itself. Its dataDir must be DataDir.
func (f *Folder) WriteConfig(c *config.Config) error {
	return replaceFile(filepath.Join(f.path, c.Name, configFile), c.Encode(), 0o644)
}

// DataDir is the dataDir of every config, relative to the config's folder.
const DataDir = dataDir

// DataPath is a validator's data folder.
func (f *Folder) DataPath(name string) string { return filepath.Join(f.path, name, dataDir) }

// LogPath is a validator's log.
func (f *Folder) LogPath(name string) string { return filepath.Join(f.path, name, logFile) }

// replaceFile writes a file whole or not at all, whenever the machine stops.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	temp := path + tempEnd
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}
