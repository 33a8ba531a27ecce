package logs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Warning is a line of a log that a person should see: of level warn or above.
type Warning struct {
	Node  string
	Time  time.Time
	Error bool // level error or above
	Text  string
}

// New returns a node's logger: JSON lines to w from a level on, and warnings to
// tell as well, which must not block.
func New(w io.Writer, level slog.Level, node string, tell func(Warning)) *slog.Logger {
	file := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	return slog.New(&handler{Handler: file, node: node, tell: tell}).With("node", node)
}

// handler is a JSON handler that tells warnings too. It keeps the attributes of
// With itself, since a slog.Handler does not give them back.
type handler struct {
	slog.Handler
	node  string
	tell  func(Warning)
	group string
	attrs []string // "key=value"
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithAttrs(attrs)
	next.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		if a.Key != "node" { // said by Warning.Node
			next.attrs = append(next.attrs, h.format(a))
		}
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithGroup(name)
	next.group = h.group + name + "."
	return &next
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		parts := append([]string{r.Message}, h.attrs...)
		r.Attrs(func(a slog.Attr) bool {
			parts = append(parts, h.format(a))
			return true
		})
		h.tell(Warning{Node: h.node, Time: r.Time, Error: r.Level >= slog.LevelError, Text: strings.Join(parts, " ")})
	}
	return h.Handler.Handle(ctx, r)
}

func (h *handler) format(a slog.Attr) string {
	return h.group + a.Key + "=" + a.Value.Resolve().String()
}
