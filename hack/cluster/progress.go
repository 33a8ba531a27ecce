package cluster

import (
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kind/pkg/log"
)

// progress prints what kind says of its steps, a line each.
type progress struct{ out io.Writer }

var _ log.Logger = progress{}

// Warn prints a warning.
func (p progress) Warn(message string) { p.line("warning: " + message) }

// Warnf prints a warning.
func (p progress) Warnf(format string, args ...any) { p.Warn(fmt.Sprintf(format, args...)) }

// Error prints an error.
func (p progress) Error(message string) { p.line("error: " + message) }

// Errorf prints an error.
func (p progress) Errorf(format string, args ...any) { p.Error(fmt.Sprintf(format, args...)) }

// V is where kind's steps (level 0) are told; finer ones are nowhere.
func (p progress) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return steps{p}
}

func (p progress) line(text string) {
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintln(p.out, "   "+text)
	}
}

type steps struct{ progress }

// Info prints a step.
func (s steps) Info(message string) { s.line(message) }

// Infof prints a step.
func (s steps) Infof(format string, args ...any) { s.line(fmt.Sprintf(format, args...)) }

// Enabled says that steps are told.
func (s steps) Enabled() bool { return true }
