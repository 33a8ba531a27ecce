package screen

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Plain writes what happens as lines: blocks to one writer, warnings to
// another. It is used by one goroutine at a time.
type Plain struct {
	about    About
	out, err io.Writer
	begun    bool
	last     types.Time // of the newest block told
	said     string     // what is wrong, as told last
}

// NewPlain returns a Plain that writes to out and err.
func NewPlain(about About, out, err io.Writer) *Plain {
	return &Plain{about: about, out: out, err: err}
}

// Show writes what is new in a snapshot. The first one begins with how to
// reach the network.
func (p *Plain) Show(s *watch.Snapshot) error {
	var text strings.Builder
	if !p.begun {
		p.begun = true
		p.begin(&text, s)
	}
	for _, w := range s.New {
		p.block(&text, w)
	}
	p.tell(s)
	if text.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(p.out, text.String())
	return err
}

// problemStays is how long a problem must last to be told: a network that
// starts has some that are over at once.
const problemStays = 3 * time.Second

// tell writes what is wrong, once, and when it is over.
func (p *Plain) tell(s *watch.Snapshot) {
	text, since := problem(s)
	if text == p.said || text != "" && s.Time.Sub(since) < problemStays {
		return
	}
	p.said = text
	if text == "" {
		text = "all is well again"
	}
	fmt.Fprintf(p.err, "%s: %s\n", p.about.Network, text)
}

func (p *Plain) begin(text *strings.Builder, s *watch.Snapshot) {
	fmt.Fprintf(text, "network %s  %s  stake %d  at height %d\n", p.about.Network,
		count(int64(len(s.Nodes)), "validator"), s.Status.TotalStake, s.Status.Height)
	fmt.Fprintf(text, "chain, keys and logs are in %s; Ctrl-C stops the network, and nothing is lost\n", p.about.Folder)
	for _, n := range s.Nodes {
		fmt.Fprintf(text, "%s  %s\n", n.Name, strings.Join(addresses(n), "  "))
	}
	if s.Status.HeadTime != nil && len(s.New) == 0 {
		p.last = types.TimeOf(s.Status.HeadTime.Time)
	}
}

// block writes one line, which ends with the time since the block before it.
func (p *Plain) block(text *strings.Builder, w message.Winner) {
	fmt.Fprintf(text, "height %d  winner %s  round %d  %s  hash %s", w.Height, health.WinnerName(w), w.Round, count(int64(w.Records), "record"), w.Hash.Short())
	if at := types.Time(w.Time); p.last != 0 && w.Height > 1 {
		fmt.Fprintf(text, "  %.1fs", at.Sub(p.last).Seconds())
	}
	text.WriteByte('\n')
	p.last = types.Time(w.Time)
}

// Warn writes a warning of a node's log.
func (p *Plain) Warn(w logs.Warning) {
	level := "warning"
	if w.Error {
		level = "error"
	}
	fmt.Fprintf(p.err, "%s  %s  %s: %s\n", w.Time.Format(time.TimeOnly), level, w.Node, w.Text)
}
