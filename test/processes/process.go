// Package processes runs a network as processes of this machine, one for each
// validator: the program cmd/node with the three files it starts from. They can
// be killed at any moment.
package processes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/posnet/posnet/node/config"
)

// stopPatience is how long a node may take to stop before it is killed.
const stopPatience = 15 * time.Second

// Process is one node, which can be started again and again.
type Process struct {
	Name   string
	Dir    string // of its config, keys, data and log
	Config *config.Config
	// Binary is the node's program; Genesis, ConfigFile and Keys are the files it
	// starts from.
	Binary, Genesis, ConfigFile, Keys string
	// Env is added to the environment of the next life.
	Env []string

	mu  sync.Mutex
	run *run // nil before the first start
}

// run is one life of a node.
type run struct {
	cmd   *exec.Cmd
	log   int64         // where its part of the log begins
	ended chan struct{} // closed when the process is gone
}

// Data is the node's data folder.
func (p *Process) Data() string { return filepath.Join(p.Dir, p.Config.DataDir) }

// LogFile is where the node's log goes, all lives after one another.
func (p *Process) LogFile() string { return filepath.Join(p.Dir, "node.log") }

// Said returns what the present life, or else the last, has written to the log.
func (p *Process) Said() (string, error) {
	log, err := os.ReadFile(p.LogFile())
	if err != nil {
		return "", err
	}
	return string(log[p.current().log:]), nil
}

// Command returns the command that starts the node, with nothing connected.
func (p *Process) Command() *exec.Cmd {
	return exec.Command(p.Binary, "--genesis", p.Genesis, "--config", p.ConfigFile, "--keys", p.Keys)
}

// Start starts the process. It does not wait for the node to be ready.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && !isClosed(p.run.ended) {
		return fmt.Errorf("node %s runs already", p.Name)
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	begun, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	r := &run{cmd: p.Command(), log: begun, ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), p.Env...)
	r.cmd.Stderr = log
	if err := r.cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p.run = r
	go func() {
		defer close(r.ended)
		defer log.Close()
		_ = r.cmd.Wait() // how it ended is in its log, and a kill is no failure
	}()
	return nil
}

// Pid is the process's number while it runs, and of its last life after that.
func (p *Process) Pid() int { return p.current().cmd.Process.Pid }

// Ended is closed when the present life is over. It is nil before the first.
func (p *Process) Ended() <-chan struct{} {
	if r := p.current(); r != nil {
		return r.ended
	}
	return nil
}

// ExitCode is the code that the last life ended with: -1 for one that was
// killed. It may be called once Ended is closed.
func (p *Process) ExitCode() int { return p.current().cmd.ProcessState.ExitCode() }

// Runs reports whether the process is there.
func (p *Process) Runs() bool {
	r := p.current()
	return r != nil && !isClosed(r.ended)
}

func (p *Process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Kill ends the process at once (SIGKILL), with no time to finish anything, and
// waits until it is gone.
func (p *Process) Kill() error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("node %s was never started", p.Name)
	}
	err := r.cmd.Process.Kill()
	<-r.ended
	return err
}

// Signal sends the process a signal, such as SIGSTOP.
func (p *Process) Signal(s syscall.Signal) error { return p.current().cmd.Process.Signal(s) }

// Stop asks the process to end (SIGTERM) and waits until it is gone. One that
// does not end is killed, which is an error, and so is one that did not end well.
func (p *Process) Stop() error {
	r := p.current()
	if r == nil || isClosed(r.ended) {
		return nil
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.ended:
	case <-time.After(stopPatience):
		return errors.Join(fmt.Errorf("node %s did not stop within %v", p.Name, stopPatience), p.Kill())
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("node %s, told to stop, ended with code %d: %s", p.Name, code, p.LastWords())
	}
	return nil
}

// Died returns why the process is gone, by the end of its log; nil while it runs.
func (p *Process) Died() error {
	if p.Runs() {
		return nil
	}
	return fmt.Errorf("node %s does not run; the end of its log: %s", p.Name, p.LastWords())
}

// LastWords returns the last lines of the node's log.
func (p *Process) LastWords() string {
	const lines = 5
	log, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
