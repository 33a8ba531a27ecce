//go:build failpoints

package failpoint

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestMain is the process that things befall, where it is told so: it comes by
// each point three times.
func TestMain(m *testing.M) {
	if os.Getenv(Variable) == "" {
		os.Exit(m.Run())
	}
	disk := FileSystem(vfs.NewMem())
	for pass := range 3 {
		for _, at := range Points() {
			if at != Disk {
				fmt.Println(pass+1, at)
				Pass(at)
			}
		}
		if _, err := disk.Create("file", vfs.WriteCategoryUnspecified); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

func befall(t *testing.T, trap string) (said string, err error) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), Variable+"="+trap)
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestKill(t *testing.T) {
	said, err := befall(t, "commit-stored:2:kill")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", err)
	}
	want := `2 commit-stored
{"level":"WARN","msg":"failpoint","point":"commit-stored","pass":2,"action":"kill"}
`
	if !strings.HasSuffix(said, want) {
		t.Errorf("it said %s", said)
	}
}

func TestFaults(t *testing.T) {
	for trap, want := range map[string]string{
		"signed:2:full":   "write file: no space left on device",
		"disk:3:readonly": "write file: read-only file system",
	} {
		if said, err := befall(t, trap); err == nil || !strings.HasSuffix(said, want+"\n") {
			t.Errorf("%s: it ended with %v and said %s", trap, err, said)
		}
	}
}

func TestWrongTraps(t *testing.T) {
	for trap, want := range map[string]string{
		"signed":         `POSNET_FAILPOINT is "signed": it must be point:pass:action, such as "commit-stored:3:kill"`,
		"signed:0:kill":  `"0" must be a whole number from 1`,
		"lunch:1:kill":   `the point must be one of ["sign" "sign-written"`,
		"signed:1:dance": `the action must be one of ["kill" "stop" "full" "readonly"]`,
	} {
		if said, err := befall(t, trap); err == nil || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: it ended with %v and said %s", trap, err, said)
		}
	}
}
