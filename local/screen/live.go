package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
)

// framesPerSecond bounds how often the terminal is written to: more than
// enough for numbers to be read.
const framesPerSecond = 20

// Live is the screen at work on a terminal. Show and Warn may be called by any
// goroutine while Run runs.
type Live struct{ program *tea.Program }

// NewLive returns the screen of a network for a terminal.
func NewLive(ctx context.Context, about About, out io.Writer) *Live {
	return &Live{tea.NewProgram(New(about, time.Now()), tea.WithContext(ctx),
		tea.WithOutput(out), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())}
}

// Run shows the screen until the person stops it or the context ends.
func (l *Live) Run() error {
	_, err := l.program.Run()
	if errors.Is(err, tea.ErrProgramKilled) && errors.Is(err, context.Canceled) {
		return nil // the context has ended
	}
	if err != nil {
		return fmt.Errorf("the screen failed: %w; --plain does without", err)
	}
	return nil
}

// Show shows a snapshot.
func (l *Live) Show(s *watch.Snapshot) { l.program.Send(s) }

// Warn shows a warning for a while.
func (l *Live) Warn(w logs.Warning) { l.program.Send(w) }
