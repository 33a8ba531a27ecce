package rpc

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/rpc/message"
)

// Options sets a server up. The zero value is ready to use.
type Options struct {
	Version    string                // of the program, for GET /version and the page
	Logger     *slog.Logger          // nil: no log
	Registerer prometheus.Registerer // nil: no metrics

	// MaxConnections is how many websockets there may be at a time; 0 stands for
	// 1000, which with all their buffers full take about 100 MB.
	MaxConnections int
	// MergeWindow is how many requests of one connection may be under way or
	// unanswered; 0 stands for 512, enough to fill a batch of signatures. Beyond
	// it the connection is not read from.
	MergeWindow int
	// QueriesPerSecond is how many requests other than merges one connection may
	// make, with twice as many in a burst; 0 stands for 10,000, more than a
	// client reaches that waits for its answers.
	QueriesPerSecond int

	// PingInterval is how often a quiet connection is asked whether it lives; 0
	// stands for 30 s.
	PingInterval time.Duration
	// SilenceTimeout is how long a connection may send nothing at all, not even
	// the answer to a ping; 0 stands for ten minutes. It is long because simple
	// clients see pings only when they read, and people pause; a dead machine is
	// found by TCP keepalive within a minute.
	SilenceTimeout time.Duration
	// FrameTimeout is how long a large frame may take to arrive; 0 stands for 30 s.
	FrameTimeout time.Duration
	// WriteTimeout is how long a write may take that the reader does not accept,
	// plus a second for each slowReader bytes; 0 stands for 10 s.
	WriteTimeout time.Duration
	// BusyTimeout is how long a request waits for its share of what all
	// connections have together; 0 stands for 5 s.
	BusyTimeout time.Duration
	// HeightTimeout is how long a read waits for the block of its minHeight; 0
	// stands for 5 s: a node that is in step has it sooner, and one that is not is
	// better left for another.
	HeightTimeout time.Duration
	// PoolInterval is how often subscribers of the pool are told at most; 0
	// stands for 100 ms, about what an eye can follow.
	PoolInterval time.Duration
}

// Limits that hold for a whole server, so that clients together cannot take
// more memory than a node has.
const (
	// smallFrame is what every connection may buffer freely.
	smallFrame = 16 << 10
	// framesBudget is the bytes of requests under way, all connections together.
	framesBudget = 64 << 20
	// answersBudget is the bytes of answers not yet sent, all connections
	// together: two of the largest.
	answersBudget = 2 * message.MaxAnswerBytes
	// maxQueries is how many requests other than merges are worked on at a time,
	// so that readers leave processors to the chain.
	maxQueries = 4
	// maxDiscard is how much of an oversized frame is read and thrown away to
	// answer it in kind; a longer one closes the connection.
	maxDiscard = 64 << 20
	// maxNews and maxNewsBytes are how far a subscriber may lag behind; one frame
	// may always wait, however large.
	maxNews, maxNewsBytes = 1024, 16 << 20
	// slowReader is the slowest reader served, in bytes a second.
	slowReader = 256 << 10
	// extraConnections is how many connections there may be beside websockets:
	// pages and probes.
	extraConnections = 256
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	number := func(n *int, usual int) {
		if *n <= 0 {
			*n = usual
		}
	}
	duration := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	number(&o.MaxConnections, 1000)
	number(&o.MergeWindow, 512)
	number(&o.QueriesPerSecond, 10_000)
	duration(&o.PingInterval, 30*time.Second)
	duration(&o.SilenceTimeout, 10*time.Minute)
	duration(&o.FrameTimeout, 30*time.Second)
	duration(&o.WriteTimeout, 10*time.Second)
	duration(&o.BusyTimeout, 5*time.Second)
	duration(&o.HeightTimeout, 5*time.Second)
	duration(&o.PoolInterval, 100*time.Millisecond)
	return o
}
