// Command soak runs a network for a long time under a steady load, and tells whether
// what its nodes need grows: memory, goroutines, open files, and disk for each
// record.
//
//	make soak TIME=1h                                    # writes docs/performance.md and docs/soak.svg
//	go run ./hack/soak -time 10m -rate 1000 -picture soak.png
//
// Four validators run in four processes, with their data on disk, under signed
// transfers that are signed as they are sent. A series is judged by the second half
// of the run, when all that fills once is full: by the slope of Theil and Sen and
// its interval (see package trend). It is a leak if the interval at 99.9 % is all
// above zero, and an hour adds more than is allowed. Disk is judged by what a record
// adds to it, in the second half beside the first. At the end the books are checked:
// all that was sent is committed exactly once, at every node. The exit code is 1
// where something leaks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/soak/trend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = soak(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	time     time.Duration
	rate     int
	every    time.Duration
	interval time.Duration
	accounts int
	manifest string
	binary   string
	dir      string
	json     bool
	write    string
	picture  string
}

const (
	maxTime = 30 * 24 * time.Hour
	// maxRate is what the nodes and this program carry on two cores with room to
	// spare: a soak is no race.
	maxRate = 5000
	// maxSamples bounds the pairs of points that a slope is taken of.
	maxSamples = 4000
	// accountCount pay each other, as in hack/bench.
	accountCount = 1000
)

func parseFlags(args []string) (o options, err error) {
	var output string
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&o.time, "time", time.Hour, "how long the load goes on")
	f.IntVar(&o.rate, "rate", 500, "records per second")
	f.DurationVar(&o.every, "every", 10*time.Second, "how often the nodes are looked at")
	f.DurationVar(&o.interval, "interval", 50*time.Millisecond, "the least time between two blocks, so that blocks are alike however busy the machine is")
	f.StringVar(&o.manifest, "f", "config/samples/bench.yaml", "the network's manifest")
	f.StringVar(&o.binary, "binary", "", "the nodes' program, built before; by default it is built anew")
	f.StringVar(&o.dir, "dir", "", "the folder for the nodes' data, on a real disk; by default the system's for temporary files")
	f.StringVar(&output, "o", "table", "table or json")
	f.StringVar(&o.write, "write", "", "the page to write the table into, besides printing it")
	f.StringVar(&o.picture, "picture", "", "the SVG or PNG to draw the curves into")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.accounts = accountCount
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: see -help", f.Arg(0))
	}
	if o.json = output == "json"; !o.json && output != "table" {
		return o, fmt.Errorf("-o is %q: it must be table or json", output)
	}
	return o, o.check()
}

func (o options) check() error {
	least := 2 * trend.MinPoints * o.every
	switch {
	case o.rate < 1 || o.rate > maxRate:
		return fmt.Errorf("-rate is %d: it must be 1 to %d records per second", o.rate, maxRate)
	case o.every < 100*time.Millisecond:
		return fmt.Errorf("-every is %v: it must be 100ms or more", o.every)
	case o.time < least || o.time > maxTime || o.time/o.every > maxSamples:
		return fmt.Errorf("-time is %v: with -every %v it must be from %v to %v", o.time, o.every, least, min(maxTime, maxSamples*o.every))
	case o.interval < 0 || o.interval > time.Minute:
		return fmt.Errorf("-interval is %v: it must be 0 to 1m", o.interval)
	}
	if o.picture != "" {
		return curves.CheckName(o.picture)
	}
	return nil
}
