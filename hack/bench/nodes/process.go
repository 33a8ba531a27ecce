// Package nodes runs the nodes of a network on this machine, each in a process of
// its own, from the files that a cluster would give them.
package nodes

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
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/storage"
)

const (
	// startPatience is how long nodes may take to be linked with each other.
	startPatience = time.Minute
	// stopPatience is how long a node may take to stop before it is killed.
	stopPatience = 10 * time.Second
)

// Process is one node. It does not run before Start.
type Process struct {
	Name    string
	Dir     string // of its files and its log
	API     string // host:port
	Metrics string // host:port, "" where it serves none
	Command []string
	Dial    func(ctx context.Context) (Asker, error) // connects, to ask the node
	Setup   Setup                                    // of posnet alone

	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{} // closed when the process is gone

	mu   sync.Mutex
	used time.Duration // processor time of processes that are gone
	gone bool
}

// Setup is what a node starts from.
type Setup struct {
	Genesis *genesis.Genesis
	Config  *config.Config
	Keys    config.Keys
}

// Identity says whose the node's data is.
func (s Setup) Identity() storage.Identity {
	return storage.Identity{Network: s.Genesis.Network(), Validator: s.Keys.Sign.Public(), Name: s.Config.Name}
}

func (p *Process) logPath() string { return filepath.Join(p.Dir, "node.log") }

// Start starts the process, the first time or again. Its log goes on.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log, p.ended = log, make(chan struct{})
	p.cmd = exec.Command(p.Command[0], p.Command[1:]...)
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p.gone = false
	go p.wait()
	return nil
}

func (p *Process) wait() {
	_ = p.cmd.Wait() // how it ended is in its log, and a kill is no failure
	p.mu.Lock()
	p.gone = true
	p.used += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	p.mu.Unlock()
	_ = p.log.Close()
	close(p.ended)
}

// Time is the processor time used so far, by this process and those before it.
func (p *Process) Time() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return p.used, nil
	}
	now, err := machine.ProcessTime(p.PID())
	return p.used + now, err
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process at once, as if its machine had lost power.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// Stop asks the process to end, and kills it if it does not.
func (p *Process) Stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.Kill()
	}
}

// Died returns why the process is gone, by the end of its log; nil while it runs.
func (p *Process) Died() error {
	select {
	case <-p.ended:
	default:
		return nil
	}
	log, _ := os.ReadFile(p.logPath())
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return fmt.Errorf("node %s ended by itself; the end of its log: %s", p.Name, bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// All is the processes of one chain.
type All []*Process

// StartAll starts all All and waits until each is linked with all others.
func StartAll(ctx context.Context, all All) error {
	for _, p := range all {
		if err := p.Start(); err != nil {
			return err
		}
	}
	for end := time.Now().Add(startPatience); ; {
		err := all.linked(ctx)
		if err == nil {
			return nil
		}
		for _, p := range all {
			if err := p.Died(); err != nil {
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

func (all All) linked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, p := range all {
		if err := p.linked(ctx, len(all)-1); err != nil {
			return fmt.Errorf("node %s: %w", p.Name, err)
		}
	}
	return nil
}

func (p *Process) linked(ctx context.Context, peers int) error {
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Linked(ctx, peers)
}

// Stop stops all of them at a time.
func (all All) Stop() {
	var wg sync.WaitGroup
	for _, p := range all {
		wg.Go(p.Stop)
	}
	wg.Wait()
}

// Time is the processor time that all have used so far.
func (all All) Time() (time.Duration, error) {
	var sum time.Duration
	for _, p := range all {
		t, err := p.Time()
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// Peaks returns the most memory each node ever had, in bytes.
func (all All) Peaks() ([]int64, error) {
	out := make([]int64, len(all))
	for i, p := range all {
		var err error
		if out[i], err = machine.ProcessPeak(p.PID()); err != nil {
			return nil, err
		}
	}
	return out, nil
}
