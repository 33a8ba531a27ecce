package nodes

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// FolderSize is how many bytes the files below a folder have. Files that go away
// meanwhile are none.
func FolderSize(dir string) (float64, error) {
	sum := 0.0
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += float64(info.Size())
		}
		return err
	})
	return sum, err
}
