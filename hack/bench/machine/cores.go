package machine

import (
	"context"
	"fmt"
	"time"
)

// Cores is how many processor cores were at work on average.
type Cores struct {
	Nodes   float64 `json:"nodes"`   // all nodes together
	Loader  float64 `json:"loader"`  // this program
	Foreign float64 `json:"foreign"` // everything else on the machine
}

const (
	// MaxForeign is how much of a core the rest of the machine may use while a
	// row is measured for the row to count.
	MaxForeign = 0.15
	// quietShare is how busy the machine may be, of all its cores, to begin.
	quietShare = 0.06
	// quietSpan is how long it is looked at to tell.
	quietSpan = time.Second
)

// Clock is the processor times at one moment.
type Clock struct {
	at                  time.Time
	nodes, loader, busy time.Duration
}

// ReadClock reads all clocks; nodes tells the time of the nodes.
func ReadClock(nodes func() (time.Duration, error)) (c Clock, err error) {
	c.at = time.Now()
	if c.nodes, err = nodes(); err != nil {
		return c, err
	}
	if c.loader, err = OwnTime(); err != nil {
		return c, err
	}
	c.busy, _, err = Time()
	return c, err
}

// Until returns the cores at work from c to end.
func (c Clock) Until(end Clock) Cores {
	span := end.at.Sub(c.at).Seconds()
	if span <= 0 {
		return Cores{}
	}
	nodes, loader := (end.nodes-c.nodes).Seconds()/span, (end.loader-c.loader).Seconds()/span
	busy := (end.busy - c.busy).Seconds() / span
	return Cores{Nodes: nodes, Loader: loader, Foreign: max(0, busy-nodes-loader)}
}

// AwaitQuiet waits until nothing else runs on the machine, and not longer than
// patience.
func AwaitQuiet(ctx context.Context, patience time.Duration, say func(string, ...any)) error {
	told := false
	for end := time.Now().Add(patience); time.Now().Before(end); {
		busy0, idle0, err := Time()
		if err != nil {
			return err
		}
		if err := Sleep(ctx, quietSpan); err != nil {
			return err
		}
		busy1, idle1, err := Time()
		if err != nil {
			return err
		}
		share := float64(busy1-busy0) / float64(max(1, busy1-busy0+idle1-idle0))
		if share < quietShare {
			return nil
		}
		if !told {
			told = true
			say("the machine is %.0f%% busy: waiting at most %v for it to be quiet", 100*share, patience)
		}
	}
	return nil
}

// Sleep waits; its error is that of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
}
