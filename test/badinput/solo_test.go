// Package badinput_test gives real nodes what no node should get, at every port
// and in every file. Each time there is one clear sentence, and nothing is lost.
package badinput_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/processes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what came with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := line(gotLines, i), line(wantLines, i)
		if g != w {
			t.Errorf("%s:%d (run with -update to accept)\n got %s\nwant %s", path, i+1, g, w)
		}
	}
}

func line(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "(nothing)"
}

// nodeProgram is the node's program, built once.
var nodeProgram = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*await.Patience)
	defer cancel()
	return processes.Build(ctx, buildDir)
})

var buildDir string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if buildDir, err = os.MkdirTemp("", "posnet-badinput-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(buildDir) // in the folder for what is temporary anyway
	os.Exit(code)
}

// seed is a key that is the same in every run, so that sentences that show it are.
func seed(text string) types.PrivateKey {
	return types.NewPrivateKey([32]byte(types.SumHash([]byte(text))))
}

func seededKeys(name string) config.Keys {
	return config.Keys{Sign: seed("sign " + name), VRF: seed("vrf " + name)}
}

// write puts the files of a classroom with these validators into dir. All but
// its ports is the same in every run.
func write(t *testing.T, dir string, validators ...string) *processes.Network {
	t.Helper()
	program, err := nodeProgram()
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Sample("classroom")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Validators = nil
	for _, name := range validators {
		d.Spec.Validators = append(d.Spec.Validators, v1alpha1.Validator{Name: name, Stake: 25})
		d.Keys[name] = seededKeys(name)
	}
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	d.Authority, d.Nonce = seed("authority"), types.SumHash([]byte("nonce"))
	d.Time = 1767225600_000000000 // 2026-01-01
	n, err := processes.Write(d, program, dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func begin(t *testing.T, n *processes.Network) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// mintBlock makes one block of three records, by the rule of the classroom, and
// waits until a node has it. It returns the height before.
func mintBlock(t *testing.T, p *processes.Process) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c, err := p.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	to := types.KeyedAccount(seed("somebody").Public())
	if err := c.Merge(ctx, client.Mint(to, 1), client.Mint(to, 2), client.Mint(to, 3)); err != nil {
		t.Fatal(err)
	}
	err = p.Await(ctx, func(s message.Status) error {
		if s.Height <= before.Height {
			return fmt.Errorf("it is at height %d", s.Height)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return before.Height
}

func networkOf(t *testing.T, c *trial) types.Hash {
	t.Helper()
	g, err := genesis.Load(c.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	return g.Network()
}
