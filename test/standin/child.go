package standin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// childEnv tells a test program that it is to serve, and what.
const childEnv = "POSNET_STANDIN"

// Child makes the program serve instead of running tests, if Spawn started it. A
// TestMain calls it first.
func Child() {
	what := os.Getenv(childEnv)
	if what == "" {
		return
	}
	if err := serveAll(what); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveAll serves until its standard input ends, and tells on its standard output
// where.
func serveAll(what string) error {
	counts := strings.Split(what, "x")
	if len(counts) != 2 {
		return fmt.Errorf("%s is %q: it must be NETWORKSxVALIDATORS", childEnv, what)
	}
	size, err := strconv.Atoi(counts[0])
	if err != nil {
		return err
	}
	validators, err := strconv.Atoi(counts[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*Network
	for i := range size {
		n, err := Start(ctx, i, validators, time.Second)
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		return err
	}
	_, err = os.Stdin.Read(make([]byte, 1)) // ends when the parent does
	_ = err                                 // which is what it waits for
	cancel()
	for _, n := range all {
		if err := n.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// Spawn starts this test program once more, to serve so many networks beside it,
// each with so many validators and a block a second. stop ends it.
func Spawn(networks, validators int) (all []*Network, stop func() error, err error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%dx%d", childEnv, networks, validators))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error {
		_ = in.Close() // the child ends with it
		return c.Wait()
	}
	if err := json.NewDecoder(out).Decode(&all); err != nil {
		return nil, nil, fmt.Errorf("the stand-ins do not say where they are: %w (%w)", err, stop())
	}
	return all, stop, nil
}
