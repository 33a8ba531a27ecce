package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/posnet/posnet/hack/bench/nodes"
)

// The ways in which CometBFT's nodes can be set; test/peers/cometbft says what
// each means.
const (
	modeShipped = "shipped"
	modeTuned   = "tuned"
	modePrompt  = "prompt"
)

var cometModes = []string{modeTuned, modeShipped}

// cometModule is where its program is built, from this repository's root.
const cometModule = "test/peers/cometbft"

// cometBFT is four validators of CometBFT with an app of transfers.
type cometBFT struct {
	cometWire
	binary string
	mode   string
}

func newCometBFT(ctx context.Context, o options, dir string) (*cometBFT, error) {
	binary, err := filepath.Abs(o.binary)
	if o.binary == "" {
		say("building the node of CometBFT, which takes minutes the first time")
		binary, err = buildCometBFT(ctx, dir)
	}
	return &cometBFT{binary: binary, mode: o.mode}, err
}

func buildCometBFT(ctx context.Context, dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, "cometbft"))
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, "go", "build", "-C", cometModule, "-o", path, ".")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("the program of %s cannot be built, which is to be done in the repository's folder: %w", cometModule, err)
	}
	return path, nil
}

func (c *cometBFT) title() string         { return "CometBFT v1.0.1, " + c.mode }
func (c *cometBFT) rule() string          { return "the one before is committed, empty or not" }
func (c *cometBFT) rests() bool           { return false }
func (c *cometBFT) lacks(row string) bool { return row == "draw" || row == "single" }

// member is one of its nodes, as its program tells.
type member struct {
	ID      string `json:"id"`
	Address string `json:"address"`
}

// setting is how the nodes of a run are set: tuned ones wait less for a validator
// that is dead where one will be, for that costs rounds at full load.
func (c *cometBFT) setting(mayDie bool) string {
	if mayDie && c.mode == modeTuned {
		return modePrompt
	}
	return c.mode
}

func (c *cometBFT) write(ctx context.Context, dir string, mayDie bool) (nodes.All, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.binary, "init", "-dir", dir, "-nodes", strconv.Itoa(nodeCount), "-balance", strconv.Itoa(startBalance))
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s init: %w: %s", c.binary, err, stderr.Bytes())
	}
	var members []member
	if err := json.Unmarshal(out, &members); err != nil || len(members) != nodeCount {
		return nil, fmt.Errorf("%s init tells no %d nodes: %.300s", c.binary, nodeCount, out)
	}
	ports, err := nodes.FreePorts(2 * nodeCount)
	if err != nil {
		return nil, err
	}
	var all nodes.All
	for i := range members {
		home, rpc := filepath.Join(dir, strconv.Itoa(i)), ports[nodeCount+i]
		p := &nodes.Process{Name: fmt.Sprintf("node-%d", i), Dir: home, API: rpc}
		p.Command = []string{c.binary, "node", "-home", home, "-mode", c.setting(mayDie), "-p2p", ports[i], "-rpc", rpc, "-peers", others(members, ports, i)}
		p.Dial = func(context.Context) (nodes.Asker, error) { return &cometAsker{rpc, members}, nil }
		all = append(all, p)
	}
	return all, nil
}

// others lists the peers of a node.
func others(members []member, ports []string, self int) string {
	var list []string
	for i, m := range members {
		if i != self {
			list = append(list, m.ID+"@"+ports[i])
		}
	}
	return strings.Join(list, ",")
}

// wipe leaves what the node signed, so that it does not sign against itself.
func (c *cometBFT) wipe(p *nodes.Process) error {
	const signed = "priv_validator_state.json"
	data := filepath.Join(p.Dir, "data")
	files, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name() == signed {
			continue
		}
		if err := os.RemoveAll(filepath.Join(data, f.Name())); err != nil {
			return err
		}
	}
	return nil
}
