package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/standin"
)

// childEnv tells the program that it is the process of the stand-ins.
const childEnv = "POSNET_BENCH_STANDIN"

// blockInterval is the pace of the stand-ins' chains.
const blockInterval = time.Second

// chain is one network for the stand-ins to tell of.
type chain struct {
	ID    types.Hash     `json:"id"`
	Nodes []standin.Node `json:"nodes"`
}

// standIn is the whole program of the child: it serves the chains that come on its
// standard input, a line of JSON each; an empty line makes all of them rest.
// It reports whether this is the child.
func standIn() bool {
	if os.Getenv(childEnv) == "" {
		return false
	}
	if err := serve(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "the stand-ins:", err)
		os.Exit(1)
	}
	return true
}

func serve(in io.Reader) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*standin.Network
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			for _, n := range all {
				n.Rest()
			}
			continue
		}
		var c chain
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		n, err := standin.Serve(ctx, c.ID, c.Nodes, blockInterval)
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	return lines.Err() // the parent is gone, and this process goes with it
}

// standIns is that process, as its parent sees it.
type standIns struct {
	command *exec.Cmd
	in      io.WriteCloser
}

func startStandIns() (*standIns, error) {
	s := &standIns{command: exec.Command(os.Args[0])}
	s.command.Env = append(os.Environ(), childEnv+"=1")
	s.command.Stderr = os.Stderr
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	return s, s.command.Start()
}

func (s *standIns) add(c chain) error { return json.NewEncoder(s.in).Encode(c) }

// rest ends all blocks.
func (s *standIns) rest() error {
	_, err := s.in.Write([]byte("\n"))
	return err
}

func (s *standIns) stop() error {
	_ = s.in.Close() // the child ends with it
	return s.command.Wait()
}
