package logs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/local/logs"
)

func TestFileTurnsAtItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	f, err := logs.OpenFile(path, 25)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if _, err := fmt.Fprintf(f, "line %04d\n", i); err != nil { // 10 bytes
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read(t, path, "line 0006\n")
	read(t, path+".1", "line 0004\nline 0005\n")
	if _, err := f.Write([]byte("late")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a write after Close: %v, want %v", err, fs.ErrClosed)
	}

	again, err := logs.OpenFile(path, 25)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	fmt.Fprintf(again, "a longer line than before\n")
	read(t, path, "a longer line than before\n")
	read(t, path+".1", "line 0006\n")
}

func read(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q (error %v), want %q", filepath.Base(path), got, err, want)
	}
}

func TestFileInNoFolder(t *testing.T) {
	_, err := logs.OpenFile(filepath.Join(t.TempDir(), "none", "node.log"), 25)
	if err == nil || !strings.Contains(err.Error(), "the log cannot be written") {
		t.Errorf("error %v", err)
	}
}

func TestWarningsAreTold(t *testing.T) {
	var file strings.Builder
	var told []string
	log := logs.New(&file, slog.LevelInfo, "alice", func(w logs.Warning) {
		told = append(told, fmt.Sprintf("%s %v %s", w.Node, w.Error, w.Text))
	})
	log.Debug("too quiet for the file")
	log.Info("for the file alone", "height", 1)
	p2p := log.With("part", "p2p").WithGroup("link").With("peer", "bob")
	p2p.Warn("cannot reach", "address", "127.0.0.1:1")
	log.Error("cannot go on", "error", errors.New("disk full"))

	want := []string{
		"alice false cannot reach part=p2p link.peer=bob link.address=127.0.0.1:1",
		"alice true cannot go on error=disk full",
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	lines := strings.Split(strings.TrimSpace(file.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("the file has %d lines, want 3:\n%s", len(lines), file.String())
	}
	var second struct {
		Msg, Node, Level string
		Link             struct{ Peer, Address string }
	}
	if err := json.Unmarshal([]byte(lines[1]), &second); err != nil {
		t.Fatal(err)
	}
	if second.Node != "alice" || second.Level != "WARN" || second.Link.Peer != "bob" || second.Link.Address != "127.0.0.1:1" {
		t.Errorf("the file's second line is %s", lines[1])
	}
}
