// Package cluster makes a kind cluster with posnet in it, on a machine that may
// lack everything but Go: it brings Docker up, finds or builds a node image, builds
// posnet's own image and installs the chart. hack/kind does so for a person,
// test/e2e for the tests.
package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is posnet's own: its folder is where everything else is found.
const module = "github.com/posnet/posnet"

// Host is this machine.
type Host struct {
	root string    // the folder of the source
	out  io.Writer // hears what is done
}

// NewHost finds the source that this program was built from; progress goes to
// out. It is an error to run outside the source: charts and scripts are there.
func NewHost(ctx context.Context, out io.Writer) (*Host, error) {
	h := &Host{out: out}
	root, err := h.output(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return nil, fmt.Errorf("find the source of %s; run this within a clone of it: %w", module, err)
	}
	h.root = root
	return h, nil
}

// Path is where a file of the source is, by its path within it.
func (h *Host) Path(elements ...string) string {
	return filepath.Join(append([]string{h.root}, elements...)...)
}

// Docker makes a Docker engine answer: where none does, it starts one, and on
// Debian installs it.
func (h *Host) Docker(ctx context.Context) error {
	if _, err := h.output(ctx, "docker", "info"); err == nil {
		return nil
	}
	h.say("no Docker engine answers: bringing one up")
	return h.run(ctx, h.Path("hack", "kind-node", "docker-up.sh"))
}

func (h *Host) say(format string, args ...any) {
	fmt.Fprintf(h.out, "== "+format+"\n", args...)
}

// run runs a command of which a person may want to see everything.
func (h *Host) run(ctx context.Context, name string, args ...string) error {
	cmd := h.command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = h.out, h.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// Kustomize is what "kubectl apply -k" would apply of a folder of the source.
func (h *Host) Kustomize(ctx context.Context, elements ...string) (string, error) {
	return h.tool(ctx, "kustomize", "build", h.Path(elements...))
}

// tool runs a tool of hack/tools, which is built where it is not yet.
func (h *Host) tool(ctx context.Context, name string, args ...string) (string, error) {
	program, err := h.output(ctx, "go", "tool", "-modfile="+h.Path("hack", "tools", "go.mod"), "-n", name)
	if err != nil {
		return "", err
	}
	return h.output(ctx, program, args...)
}

// output runs a command for what it prints. Its complaints are in the error.
func (h *Host) output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := h.command(ctx, name, args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(complaints.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

func (h *Host) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = h.root
	cmd.Env = os.Environ()
	return cmd
}
