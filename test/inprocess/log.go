package inprocess

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
)

// Log is what a node logged, as JSON lines. It is an io.Writer for slog.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// Find returns the lines with a message, in the order they were written.
func (l *Log) Find(message string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range bytes.Lines(l.text.Bytes()) {
		var fields map[string]any
		if json.Unmarshal(line, &fields) == nil && fields["msg"] == message {
			out = append(out, fields)
		}
	}
	return out
}

// tail returns the last lines.
func (l *Log) tail() string {
	const most = 30
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(l.text.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
