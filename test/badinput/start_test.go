package badinput_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

// trial is a node's files in a folder of their own, to be spoilt.
type trial struct {
	*processes.Process
	dir string // of all files
}

// copyOf copies a node's files into a new folder.
func copyOf(t *testing.T, p *processes.Process) *trial {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-r", filepath.Dir(p.Genesis)+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v: %s", err, out)
	}
	own := filepath.Join(dir, p.Name)
	if err := os.RemoveAll(filepath.Join(own, filepath.Base(p.LogFile()))); err != nil {
		t.Fatal(err)
	}
	return &trial{dir: dir, Process: &processes.Process{
		Name: p.Name, Dir: own, Config: p.Config, Binary: p.Binary, Genesis: filepath.Join(dir, filepath.Base(p.Genesis)),
		ConfigFile: filepath.Join(own, filepath.Base(p.ConfigFile)), Keys: filepath.Join(own, filepath.Base(p.Keys)),
	}}
}

// file is the path of one of the files, by its name from the folder on.
func (c *trial) file(name string) string { return filepath.Join(c.dir, name) }

// replace changes a text in a file.
func (c *trial) replace(t *testing.T, name, old, text string) {
	t.Helper()
	data, err := os.ReadFile(c.file(name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q: %s", name, old, data)
	}
	c.put(t, name, strings.Replace(string(data), old, text, 1))
}

func (c *trial) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.file(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *trial) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(c.file(name)); err != nil {
		t.Fatal(err)
	}
}

// cut leaves the first half of what a file holds. Zeros at its end are room for
// more, and no content.
func (c *trial) cut(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(c.file(name))
	if err != nil {
		t.Fatal(err)
	}
	c.put(t, name, string(data[:len(bytes.TrimRight(data, "\x00"))/2]))
}

// runsLine is in the log of a node that has started.
const runsLine = `"msg":"the node runs"`

// outcome starts the node, waits until it has ended by itself or says that it
// runs, and tells what came of it. A node that runs has to commit a block.
func (c *trial) outcome(t *testing.T) string {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.Runs() { // the test has failed
			_ = c.Kill()
		}
	})
	runs := false
	await.True(t, "the node runs or ends", func() error {
		runs = strings.Contains(c.said(t), runsLine)
		if !runs && c.Runs() {
			return errors.New("it has said " + c.said(t))
		}
		return nil
	})
	if !runs {
		return fmt.Sprintf("exit %d: %s", c.ExitCode(), c.normal(c.said(t)))
	}
	height := mintBlock(t, c.Process)
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("it runs, and goes on from block %d", height)
}

// said is what the node has written to standard error.
func (c *trial) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(c.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// changing is what is another text in every run, and how it is shown here.
var changing = []struct {
	text  *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`127\.0\.0\.1:[1-3][0-9]{4}\b`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`[0-9]+ \(disk\) != [0-9]+ \(MANIFEST\)`), "N (disk) != N (MANIFEST)"},
	{regexp.MustCompile(`ends with block [0-9]+`), "ends with block N"},
	{regexp.MustCompile(`this is network [0-9a-f]{8}`), "this is network ID"},
}

// normal takes out of a text what changes from run to run.
func (c *trial) normal(text string) string {
	text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), c.dir, "$DIR")
	for _, x := range changing {
		text = x.text.ReplaceAllString(text, x.shown)
	}
	return text
}
