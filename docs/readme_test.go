package docs_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/posnet/posnet/test/ports"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	posnetLine = regexp.MustCompile(`(?m)^go run \./cmd/posnet (.+?)(?:\s+#.*)?$`)
	shellWord  = regexp.MustCompile(`'[^']*'|\S+`)
)

// commandPatience is how long a command of the README may take.
const commandPatience = time.Minute

// TestReadmeCommands types what the README says, in its order: an "up" runs until
// the next one, unless it ends by itself; everything else asks the network that
// is up. Only ports and folders are this test's own.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, program: buildPosnet(t), dir: t.TempDir()}
	t.Cleanup(r.stop)
	count := 0
	for _, block := range shellBlock.FindAllSubmatch(readme, -1) {
		for _, line := range posnetLine.FindAllSubmatch(block[1], -1) {
			count++
			r.types(string(line[1]))
		}
	}
	if count < 8 {
		t.Errorf("the README shows %d commands: at least 8 were there", count)
	}
}

func buildPosnet(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "posnet")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/posnet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// reader is somebody who follows the README.
type reader struct {
	t            *testing.T
	program, dir string
	network      *exec.Cmd // what runs now
	api          string
}

func (r *reader) types(line string) {
	r.t.Helper()
	args := shellWord.FindAllString(line, -1)
	for i := range args {
		args[i] = strings.Trim(args[i], "'")
	}
	if args[0] != "up" {
		r.run(append(args, "--url", r.api)...)
		return
	}
	r.stop()
	args = append(args, "--dir", r.dir, "--p2p-port", "0", "--console-port", "0", "--metrics-port", "0")
	if strings.Contains(line, "--until") {
		r.run(append(args, "--api-port", "0")...)
		return
	}
	r.start(args)
}

func (r *reader) run(args ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), commandPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.program, args...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Errorf("posnet %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// mostNodes is how many nodes a network of the README has at most: their API ports
// follow upon each other.
const mostNodes = 8

// start leaves a network running, and waits for its first block line or, where
// none comes by itself, for its API.
func (r *reader) start(args []string) {
	r.t.Helper()
	block, err := ports.Take(mostNodes)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(block.Release)
	r.api = block.Address(0)
	_, port, _ := net.SplitHostPort(r.api)
	r.network = exec.Command(r.program, append(args, "--api-port", port, "--plain")...)
	r.network.Dir = ".."
	out, err := r.network.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.network.Stderr = os.Stderr
	if err := r.network.Start(); err != nil {
		r.t.Fatal(err)
	}
	up := make(chan bool, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "ws://"+r.api) {
				up <- true
			}
		}
		close(up)
	}()
	select {
	case ok := <-up:
		if !ok {
			r.t.Fatalf("posnet %s ended without a network", strings.Join(args, " "))
		}
	case <-time.After(commandPatience):
		r.t.Fatalf("posnet %s brought no network up", strings.Join(args, " "))
	}
}

func (r *reader) stop() {
	if r.network == nil {
		return
	}
	_ = r.network.Process.Signal(syscall.SIGINT)
	if err := r.network.Wait(); err != nil {
		r.t.Errorf("a network that was told to stop: %v", err)
	}
	r.network = nil
}
