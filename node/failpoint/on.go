//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// trap is what the environment variable asks for.
type trap struct {
	point  Point
	pass   int64
	action Action
	passed atomic.Int64
	fault  atomic.Pointer[syscall.Errno] // what each change of the file system fails with
}

var set = fromEnvironment()

func fromEnvironment() *trap {
	text := os.Getenv(Variable)
	if text == "" {
		return nil
	}
	t, err := parse(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	return t
}

func parse(text string) (*trap, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return nil, fmt.Errorf("%s is %q: it must be point:pass:action, such as %q", Variable, text, "commit-stored:3:kill")
	}
	t := &trap{point: Point(fields[0]), action: Action(fields[2])}
	var err error
	if t.pass, err = strconv.ParseInt(fields[1], 10, 64); err != nil || t.pass < 1 {
		return nil, fmt.Errorf("%s is %q: %q must be a whole number from 1", Variable, text, fields[1])
	}
	if !slices.Contains(Points(), t.point) {
		return nil, fmt.Errorf("%s is %q: the point must be one of %q", Variable, text, Points())
	}
	if all := []Action{Kill, Stop, Full, ReadOnly}; !slices.Contains(all, t.action) {
		return nil, fmt.Errorf("%s is %q: the action must be one of %q", Variable, text, all)
	}
	return t, nil
}

// Pass is called where the process comes by a point.
func Pass(at Point) {
	if set != nil && at == set.point && set.passed.Add(1) == set.pass {
		set.spring()
	}
}

func (t *trap) spring() {
	fmt.Fprintf(os.Stderr, "{\"level\":\"WARN\",\"msg\":\"failpoint\",\"point\":%q,\"pass\":%d,\"action\":%q}\n", t.point, t.pass, t.action)
	switch t.action {
	case Kill:
		signal(syscall.SIGKILL)
		select {} // the signal is on its way
	case Stop:
		signal(syscall.SIGSTOP)
	case Full:
		fault := syscall.ENOSPC
		t.fault.Store(&fault)
	case ReadOnly:
		fault := syscall.EROFS
		t.fault.Store(&fault)
	}
}

func signal(s syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		panic(err)
	}
}

// FileSystem returns the disk with a point before each change, and with the
// fault that a trap brings.
func FileSystem(disk vfs.FS) vfs.FS {
	if set == nil {
		return disk
	}
	return errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileClose || op.Kind == errorfs.OpLock || op.Kind.ReadOrWrite() == errorfs.OpIsRead {
			return nil
		}
		Pass(Disk)
		if fault := set.fault.Load(); fault != nil {
			return &os.PathError{Op: "write", Path: op.Path, Err: *fault}
		}
		return nil
	}))
}
