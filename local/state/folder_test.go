package state_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/local/state"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// whole makes a folder with one validator and its genesis, and closes it.
func whole(t testing.TB, dir string) *genesis.Genesis {
	t.Helper()
	f := open(t, dir)
	defer f.Close()
	keys, err := f.MakeKeys("alice")
	check(t, err)
	authority, err := f.Authority(true)
	check(t, err)
	g := &genesis.Genesis{
		Name: "alpha", Time: 1, Authority: authority.Public(),
		Validators: []genesis.Validator{{Name: "alice", Key: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: 1}},
	}
	check(t, f.SetMembers([]string{"alice"}))
	check(t, f.WriteConfig(&config.Config{Name: "alice"}))
	check(t, f.WriteGenesis(g))
	return g
}

func open(t testing.TB, dir string) *state.Folder {
	t.Helper()
	f, err := state.Open(dir, "alpha")
	check(t, err)
	return f
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	check(t, os.MkdirAll(filepath.Dir(name), 0o700))
	check(t, os.WriteFile(name, []byte(text), 0o600))
}

func TestFolderKeepsWhatWasMade(t *testing.T) {
	dir := t.TempDir()
	g := whole(t, dir)
	f := open(t, dir)
	defer f.Close()
	again, err := f.Genesis()
	check(t, err)
	if again.Network() != g.Network() {
		t.Errorf("the genesis is of network %s, was of %s", again.Network(), g.Network())
	}
	authority, err := f.Authority(false)
	check(t, err)
	if authority.Public() != g.Authority {
		t.Error("the authority has another key than before")
	}
	keys, err := f.Keys("alice")
	check(t, err)
	if keys.Sign.Public() != g.Validators[0].Key || keys.VRF.Public() != g.Validators[0].VRFKey {
		t.Error("alice has other keys than before")
	}
	if names, err := f.Members(); err != nil || len(names) != 1 || names[0] != "alice" {
		t.Errorf("members %v, error %v; want alice", names, err)
	}
	_, err = f.MakeKeys("alice")
	wantError(t, err, "keys.json is there already")
}

func TestSecretsAreTheOwnersOnly(t *testing.T) {
	dir := t.TempDir()
	whole(t, dir)
	for _, name := range []string{"authority.json", "alice/keys.json"} {
		info, err := os.Stat(filepath.Join(dir, "alpha", name))
		check(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, mode)
		}
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	_, err := state.Open(dir, "alpha")
	wantError(t, err, "network alpha is running already", "--dir")
	other, err := state.Open(dir, "beta")
	check(t, err)
	check(t, other.Close())
	check(t, f.Close())
	check(t, open(t, dir).Close())
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	tests := []struct{ name, file string }{
		{"a file", "alpha/thesis.txt"},
		{"a folder", "alpha/photos/holiday.jpg"},
		{"a file among a validator's", "alpha/alice/thesis.txt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, "precious", dir, tt.file)
			_, err := state.Open(dir, "alpha")
			wantError(t, err, "holds something else than a network of posnet", "--dir")
			if _, err := os.Stat(filepath.Join(dir, "alpha", "network.lock")); err == nil {
				t.Error("a lock was left in a foreign folder")
			}
		})
	}
	t.Run("a file in its place", func(t *testing.T) {
		dir := t.TempDir()
		write(t, "precious", dir, "alpha")
		_, err := state.Open(dir, "alpha")
		wantError(t, err, "is a file, and must be a folder", "--dir")
	})
}

func TestResetDeletesTheNetworkAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	whole(t, dir)
	write(t, "blocks", dir, "alpha", "alice", "data", "CURRENT")
	f := open(t, dir)
	check(t, f.Reset())
	if g, err := f.Genesis(); g != nil || err != nil {
		t.Errorf("after a reset: genesis %v, error %v", g, err)
	}
	if f.HasKeys("alice") {
		t.Error("alice still has keys")
	}
	_, err := state.Open(dir, "alpha")
	wantError(t, err, "is running already")
	check(t, f.Close())

	whole(t, dir)
	write(t, "precious", dir, "alpha", "alice", "thesis.txt")
	f = open(t, dir) // a whole network: a stranger's file does not disturb it
	defer f.Close()
	wantError(t, f.Reset(), "thesis.txt", "nothing was changed")
	if g, err := f.Genesis(); g == nil || err != nil {
		t.Errorf("after a refused reset: genesis %v, error %v", g, err)
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	tests := []struct {
		file, text string
		read       func(*state.Folder) error
	}{
		{"genesis.json", `{"name": "alp`, func(f *state.Folder) error { _, err := f.Genesis(); return err }},
		{"genesis.json", `{"name": "alpha"}`, func(f *state.Folder) error { _, err := f.Genesis(); return err }},
		{"authority.json", "", func(f *state.Folder) error { _, err := f.Authority(false); return err }},
		{"authority.json", "{}", func(f *state.Folder) error { _, err := f.Authority(true); return err }},
		{"members.json", `{"members": ["../bob"]}`, func(f *state.Folder) error { _, err := f.Members(); return err }},
		{"members.json", "[1]", func(f *state.Folder) error { _, err := f.Members(); return err }},
		{"alice/keys.json", `{"sign": "00"}`, func(f *state.Folder) error { _, err := f.Keys("alice"); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			dir := t.TempDir()
			whole(t, dir)
			write(t, tt.text, dir, "alpha", tt.file)
			f := open(t, dir)
			defer f.Close()
			wantError(t, tt.read(f), tt.file+" is damaged", "--reset")
		})
	}
}

func TestMissingFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	whole(t, dir)
	write(t, "blocks", dir, "alpha", "alice", "data", "CURRENT")
	for _, name := range []string{"genesis.json", "authority.json", "alice/keys.json"} {
		check(t, os.Remove(filepath.Join(dir, "alpha", name)))
	}
	f := open(t, dir)
	defer f.Close()
	_, err := f.Genesis()
	wantError(t, err, "genesis.json is missing", "--reset")
	_, err = f.Authority(false)
	wantError(t, err, "authority.json is missing", "--reset")
	_, err = f.Keys("alice")
	wantError(t, err, "keys.json is missing", "--reset")
}

// A folder whose making was interrupted goes on with the keys it has.
func TestInterruptedMakingGoesOn(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	keys, err := f.MakeKeys("alice")
	check(t, err)
	authority, err := f.Authority(true)
	check(t, err)
	check(t, f.Close())
	write(t, "half a gen", dir, "alpha", "genesis.json.tmp")

	f = open(t, dir)
	defer f.Close()
	if g, err := f.Genesis(); g != nil || err != nil {
		t.Fatalf("genesis %v, error %v", g, err)
	}
	same, err := f.Keys("alice")
	check(t, err)
	again, err := f.Authority(true)
	check(t, err)
	if same.Sign.Public() != keys.Sign.Public() || again.Public() != authority.Public() {
		t.Error("the keys made first were not kept")
	}
	var zero types.PublicKey
	if again.Public() == zero {
		t.Error("the authority has no key")
	}
}
