package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/posnet/posnet/hack/bench/table"
)

// programs are what was built, in a folder.
type programs struct{ dir string }

// build compiles the benchmark and both nodes. It is to be run in the
// repository's folder.
func build(ctx context.Context, dir string) (p programs, clean func(), err error) {
	if p.dir, err = os.MkdirTemp(dir, "posnet-peers-"); err != nil {
		return p, nil, fmt.Errorf("-dir: %w", err)
	}
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return p, nil, err
	}
	clean = func() { _ = os.RemoveAll(p.dir) }
	for _, args := range [][]string{
		{"-o", p.path("bench"), "./hack/bench"},
		{"-o", p.path("posnet"), "./cmd/node"},
		{"-C", "test/peers/cometbft", "-o", p.path("cometbft"), "."},
	} {
		fmt.Fprintln(os.Stderr, "go build", args[len(args)-1])
		if out, err := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...).CombinedOutput(); err != nil {
			clean()
			return p, nil, fmt.Errorf("go build %s, to be run in the repository's folder: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return p, clean, nil
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// measure runs the benchmark once for a contender; the table is empty where
// it has none of the rows.
func (p programs) measure(ctx context.Context, o options, c contender) (*table.Table, error) {
	if c.only(o.only) == "" {
		return &table.Table{}, nil
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path("bench"), o.arguments(c, p.path(c.system))...)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	t := &table.Table{}
	return t, json.Unmarshal(out.Bytes(), t)
}
