package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxKeptBytes is how large a file may be that is kept beside the code.
const maxKeptBytes = 2 << 10

// keep fills the target's folder of inputs beside the code up to most files, from
// those that the engine found of interest: small ones of all sizes, so that go
// test goes where the engine came, however far.
func (b *bench) keep(t target, most int) error {
	from := filepath.Join(b.cache, t.path, t.name)
	to := filepath.Join(t.folder, "testdata", "fuzz", t.name)
	there, err := os.ReadDir(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := small(from)
	if err != nil || len(files) == 0 || len(there) >= most {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	room := min(most-len(there), len(files))
	for i := range room {
		file := files[i*len(files)/room]
		data, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file.Name()), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// small returns the files of a folder that are small enough, by size.
func small(folder string) (files []fs.FileInfo, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() <= maxKeptBytes {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(x, y fs.FileInfo) int {
		return cmp.Or(cmp.Compare(x.Size(), y.Size()), cmp.Compare(x.Name(), y.Name()))
	})
	return files, err
}
