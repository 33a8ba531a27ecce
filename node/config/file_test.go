package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// TestAFileThatChanges: what a file says is told when it is new, and what is
// wrong with it once.
func TestAFileThatChanges(t *testing.T) {
	was := example()
	path := written(t, was.Encode())
	f, err := Open(path)
	if err != nil || !reflect.DeepEqual(f.Config(), was) {
		t.Fatalf("%+v, %v", f, err)
	}
	moved := example()
	moved.Peers[0].Address = "10.0.0.9:9100"
	none := example()
	none.Builder.When = ""
	for _, step := range []struct {
		what    string
		content []byte // nil: the file is removed
		want    *Config
		wrong   string
	}{
		{"the same", was.Encode(), nil, ""},
		{"a peer moved", moved.Encode(), moved, ""},
		{"the same", moved.Encode(), nil, ""},
		{"cut off", moved.Encode()[:100], nil, "the JSON object ends early"},
		{"still cut off", moved.Encode()[:100], nil, ""},
		{"gone", nil, nil, "no such file"},
		{"still gone", nil, nil, ""},
		{"a rule is missing", none.Encode(), nil, "builder.when is missing"},
		{"gone again", nil, nil, "no such file"},
		{"back as it was", was.Encode(), was, ""},
		{"larger than any config", make([]byte, maxFileBytes+1), nil, "that is not the file meant"},
		{"in order without a change", was.Encode(), nil, ""},
	} {
		if step.content == nil {
			os.Remove(path)
		} else if err := os.WriteFile(path, step.content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := f.Reread()
		if step.wrong == "" && err != nil || step.wrong != "" && (err == nil || !strings.Contains(err.Error(), step.wrong)) {
			t.Errorf("%s: the error is %v, want %q", step.what, err, step.wrong)
		}
		if !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %+v", step.what, got)
		}
	}
	if !reflect.DeepEqual(f.Config(), was) {
		t.Error("what the file said at first has changed")
	}
}

// TestAVolumeThatSwapsLinks: so does Kubernetes renew the files of a ConfigMap.
func TestAVolumeThatSwapsLinks(t *testing.T) {
	dir := t.TempDir()
	publish := func(version string, c *Config) {
		t.Helper()
		real, swap := filepath.Join(dir, version), filepath.Join(dir, "..data_tmp")
		for _, err := range []error{
			os.Mkdir(real, 0o700), os.WriteFile(filepath.Join(real, "config.json"), c.Encode(), 0o600),
			os.Symlink(version, swap), os.Rename(swap, filepath.Join(dir, "..data")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	c := example()
	publish("..1", c)
	path := filepath.Join(dir, "config.json")
	if err := os.Symlink("..data/config.json", path); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Peers = c.Peers[:1]
	publish("..2", c)
	if got, err := f.Reread(); err != nil || got == nil || len(got.Peers) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatNeedsARestart(t *testing.T) {
	f, err := Open(written(t, example().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	now := example()
	now.Peers = nil
	if fields := f.Lasting(now); len(fields) != 0 {
		t.Errorf("peers need a restart: %v", fields)
	}
	now.Name, now.DataDir, now.LogLevel, now.Listen.Console = "x", "y", "warn", ""
	now.Key = types.PublicKey{1}
	now.Storage.KeepBlocks = MinKeepBlocks
	now.Builder.MaxBytes, now.Consensus.ProposeTimeout = 5, Duration(time.Minute)
	if got := strings.Join(f.Lasting(now), " "); got != "name key dataDir listen builder consensus storage logLevel" {
		t.Errorf("these need a restart: %s", got)
	}
	// A field that is added to Config must be in that list, or be taken on live.
	if n := reflect.TypeFor[Config]().NumField(); n != len(f.Lasting(now))+1 {
		t.Errorf("a config has %d fields, of which %d need a restart", n, len(f.Lasting(now)))
	}
}
