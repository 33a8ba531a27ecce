package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
)

const (
	nodeCount = 4
	// startPatience is how long nodes may take to be linked with each other.
	startPatience = time.Minute
	// stopPatience is how long a node may take to stop before it is killed.
	stopPatience = 10 * time.Second
)

// process is one node.
type process struct {
	name    string
	dir     string
	api     string // host:port
	command []string
	dial    func(ctx context.Context) (asker, error) // to ask it

	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{} // closed when the process is gone

	mu   sync.Mutex
	used time.Duration // processor time of processes that are gone
	gone bool
}

func (p *process) logPath() string { return filepath.Join(p.dir, "node.log") }

func (p *process) start() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log, p.ended = log, make(chan struct{})
	p.cmd = exec.Command(p.command[0], p.command[1:]...)
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p.gone = false
	go p.wait()
	return nil
}

func (p *process) wait() {
	_ = p.cmd.Wait() // how it ended is in its log, and a kill is no failure
	p.mu.Lock()
	p.gone = true
	p.used += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	p.mu.Unlock()
	_ = p.log.Close()
	close(p.ended)
}

// time is the processor time used so far.
func (p *process) time() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return p.used, nil
	}
	now, err := machine.ProcessTime(p.cmd.Process.Pid)
	return p.used + now, err
}

// kill ends the process at once, as if its machine had lost power.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// stop asks the process to end, and kills it if it does not.
func (p *process) stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.kill()
	}
}

// died returns why the process is gone, by the end of its log; nil while it runs.
func (p *process) died() error {
	select {
	case <-p.ended:
	default:
		return nil
	}
	log, _ := os.ReadFile(p.logPath())
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return fmt.Errorf("node %s ended by itself; the end of its log: %s", p.name, bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// nodes are the processes of one chain.
type nodes []*process

// startAll starts all nodes and waits until each is linked with all others.
func startAll(ctx context.Context, all nodes) error {
	for _, p := range all {
		if err := p.start(); err != nil {
			return err
		}
	}
	for end := time.Now().Add(startPatience); ; {
		err := all.linked(ctx)
		if err == nil {
			return nil
		}
		for _, p := range all {
			if err := p.died(); err != nil {
				return err
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v the nodes are not all ready and linked: %w", startPatience, err)
		}
		if err := machine.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (all nodes) linked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, p := range all {
		if err := p.linked(ctx, len(all)-1); err != nil {
			return fmt.Errorf("node %s: %w", p.name, err)
		}
	}
	return nil
}

func (p *process) linked(ctx context.Context, peers int) error {
	c, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	return c.linked(ctx, peers)
}

func (all nodes) stop() {
	var wg sync.WaitGroup
	for _, p := range all {
		wg.Go(p.stop)
	}
	wg.Wait()
}

func (all nodes) time() (time.Duration, error) {
	var sum time.Duration
	for _, p := range all {
		t, err := p.time()
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// peaks returns the most memory each node ever had, in bytes.
func (all nodes) peaks() ([]int64, error) {
	out := make([]int64, len(all))
	for i, p := range all {
		var err error
		if out[i], err = machine.ProcessPeak(p.cmd.Process.Pid); err != nil {
			return nil, err
		}
	}
	return out, nil
}
