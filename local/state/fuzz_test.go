package state_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/posnet/posnet/local/state"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzFiles opens a network's folder in which one of the small files holds
// arbitrary text: it is read, or refused in a sentence that names it.
func FuzzFiles(f *testing.F) {
	dir := f.TempDir()
	whole(f, dir)
	folder, err := state.Open(dir, "alpha")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = folder.Close() })
	files := []struct {
		name string
		read func() (any, error)
	}{
		{"members.json", func() (any, error) { return folder.Members() }},
		{"authority.json", func() (any, error) { return folder.Authority(false) }},
		{"genesis.json", func() (any, error) { return folder.Genesis() }},
		{"alice/keys.json", func() (any, error) { return folder.Keys("alice") }},
	}
	for i, file := range files {
		text, err := os.ReadFile(filepath.Join(folder.Path(), file.name))
		if err != nil && i > 0 {
			f.Fatal(err)
		}
		f.Add(uint8(i), text)
		f.Add(uint8(i), text[:len(text)/2])
	}
	f.Add(uint8(0), []byte(`{"members": ["alice", "../bob", "\u0000"]}`))
	f.Add(uint8(0), []byte(`{"members": [1]} `))
	f.Add(uint8(1), []byte(`{"sign": "`+types.PublicKey{}.String()+`"}`))
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		file := files[int(which)%len(files)]
		path := filepath.Join(folder.Path(), file.name)
		was, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var v any
		fuzzed.Memory(t, len(text), func() { v, err = file.read() })
		fuzzed.Sentence(t, err)
		if names, ok := v.([]string); ok && err == nil {
			for _, name := range names {
				if types.CheckName(name) != nil {
					t.Errorf("%q passes for a validator's name, and a folder's", name)
				}
			}
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	})
}
