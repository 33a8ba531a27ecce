package machine

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	text := "cpu  10 20 30 4000 500 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"
	busy, idle, err := parseStat(text)
	if err != nil || busy != 730*time.Millisecond || idle != 45*time.Second {
		t.Errorf("busy %v, idle %v, error %v", busy, idle, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 x 4 5 6 7 8"} {
		if _, _, err := parseStat(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestParsePidStat(t *testing.T) {
	text := "4711 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 9 0 100"
	if used, err := parsePidStat(text); err != nil || used != 1750*time.Millisecond {
		t.Errorf("used %v, error %v", used, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "1 (x) S 1 2 3 4 5 6 7 8 9 10 a 25 0 0 20 0 9 0 100"} {
		if _, err := parsePidStat(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	text := []byte("Name:\tnode\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 3 kB\n")
	for field, want := range map[string]int64{"VmHWM": 2 << 20, "VmRSS": 3 << 10} {
		if size, err := parseStatus(text, field); err != nil || size != want {
			t.Errorf("%s is %d, error %v", field, size, err)
		}
	}
	for _, bad := range []string{"", "Name:\tnode\nVmRSS:\t 3 kB\n", "Name:\tnode\nVmHWM:\t 3 pages\n"} {
		if _, err := parseStatus([]byte(bad), "VmHWM"); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestOwnProcessIsRead(t *testing.T) {
	before, err := ProcessTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; {
		now, err := ProcessTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now > before {
			break
		}
		if time.Now().After(end) {
			t.Fatal("five seconds of work take no processor time")
		}
	}
	if peak, err := ProcessPeak(os.Getpid()); err != nil || peak < 1<<20 {
		t.Errorf("peak %d, error %v", peak, err)
	}
	if now, err := ProcessMemory(os.Getpid()); err != nil || now < 1<<20 {
		t.Errorf("memory %d, error %v", now, err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if files, err := ProcessFiles(os.Getpid()); err != nil || !slices.Contains(files, f.Name()) {
		t.Errorf("the files open are %v, error %v", files, err)
	}
	if busy, idle, err := Time(); err != nil || busy <= 0 || idle <= 0 {
		t.Errorf("busy %v, idle %v, error %v", busy, idle, err)
	}
}

func TestCores(t *testing.T) {
	at := time.Unix(1000, 0)
	from := Clock{at: at, nodes: time.Second, loader: time.Second, busy: 10 * time.Second}
	to := Clock{at: at.Add(10 * time.Second), nodes: 6 * time.Second, loader: 3 * time.Second, busy: 18 * time.Second}
	if got, want := from.Until(to), (Cores{Nodes: 0.5, Loader: 0.2, Foreign: 0.1}); !near(got.Nodes, want.Nodes) || !near(got.Loader, want.Loader) || !near(got.Foreign, want.Foreign) {
		t.Errorf("cores %+v, want %+v", got, want)
	}
	to.busy = from.busy // ticks are counted late
	if got := from.Until(to); got.Foreign != 0 {
		t.Errorf("foreign %v, want 0", got.Foreign)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
