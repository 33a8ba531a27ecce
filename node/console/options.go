package console

import (
	"log/slog"
	"time"
)

// Options sets a console up. The zero value is ready to use.
type Options struct {
	Logger *slog.Logger // nil: no log

	// MaxSessions is how many people may be connected at a time; 0 stands for
	// 500, which take about 20 MB.
	MaxSessions int
	// IdleTimeout is how long a person who takes part may type nothing; 0 stands
	// for 30 minutes. Who is gone for longer would only keep a guest's place.
	IdleTimeout time.Duration
	// ChainInterval is how often the chain is printed; 0 stands for 30 s.
	ChainInterval time.Duration
	// WriteTimeout is how long a write may take that the reader does not accept;
	// 0 stands for 10 s.
	WriteTimeout time.Duration
}

const (
	// maxLine is the longest line that is taken, in bytes: no number has so many
	// digits.
	maxLine = 1024
	// maxChain is how many blocks are printed, the newest: what a terminal can
	// still be scrolled through.
	maxChain = 100
	// maxUnread is how many texts may wait for a reader before it is dropped: the
	// winners of as many blocks.
	maxUnread = 1024
	// maxReadings is how many readings a second are taken from one person, each
	// of which is signed and sent to all nodes; who pastes a file waits.
	maxReadings = 50
	// maxRefused is how many may be told at a time that there is no room; more
	// wait for their turn.
	maxRefused = 64
	// linger is how long input is still thrown away after the last sentence, so
	// that the sentence reaches somebody who is still sending.
	linger = time.Second
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxSessions <= 0 {
		o.MaxSessions = 500
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&o.IdleTimeout, 30 * time.Minute}, {&o.ChainInterval, 30 * time.Second}, {&o.WriteTimeout, 10 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	return o
}
