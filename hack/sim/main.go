// Command sim plays networks in the simulator (node/sim) for as long as one
// likes, on all cores, and stops at the first finding with the command that
// replays it.
//
//	go run ./hack/sim -heights 100000       # random networks, one per seed
//	go run ./hack/sim -seed 17 -trace       # one of them, told line by line
//	go run ./hack/sim -twins 4              # every Twins scenario of up to 4 rounds
//
// A height counts when the first honest node has committed it. The exit code is
// 1 after a finding.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/posnet/posnet/node/sim"
)

func main() {
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // it was said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.play(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options is what the flags say.
type options struct {
	heights uint64 // to play in all; 0: until interrupted
	each    uint64 // of each seed
	first   uint64 // seed
	seed    int64  // the only one to play, if not negative
	trace   bool
	twins   int // rounds; 0: random networks
}

func parseFlags(args []string) (o options, err error) {
	f := flag.NewFlagSet("sim", flag.ContinueOnError)
	f.Uint64Var(&o.heights, "heights", 20_000, "how many heights to play in all; 0: until interrupted")
	f.Uint64Var(&o.each, "each", sim.DefaultHeights, "how many heights each seed's network is to reach")
	f.Uint64Var(&o.first, "first", 0, "the first seed")
	f.Int64Var(&o.seed, "seed", -1, "play this seed only")
	f.BoolVar(&o.trace, "trace", false, "with -seed, print what happens")
	f.IntVar(&o.twins, "twins", 0, "instead, play every Twins scenario of up to so many rounds, 1 to 4")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, refuse("%q: there are only flags", f.Arg(0))
	case o.each < 1 || o.each > maxEach:
		return o, refuse("-each %d: it must be 1 to %d", o.each, maxEach)
	case o.twins < 0 || o.twins > maxTwinsRounds:
		return o, refuse("-twins %d: it must be 1 to %d", o.twins, maxTwinsRounds)
	}
	return o, nil
}

// maxEach keeps a run's memory in bounds: a chain is kept whole.
const maxEach = 1_000_000

func refuse(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(os.Stderr, err)
	return err
}

func (o options) play(ctx context.Context, out io.Writer) error {
	switch {
	case o.seed >= 0:
		return o.playSeed(out)
	case o.twins > 0:
		return playTwins(ctx, out, o.twins)
	}
	return o.playSeeds(ctx, out)
}

// playSeed plays one seed.
func (o options) playSeed(out io.Writer) error {
	var trace io.Writer
	if o.trace {
		trace = out
	}
	r := sim.Run(sim.RandomScenario(uint64(o.seed), o.each), trace)
	fmt.Fprintf(out, "seed %d: trace %s, %d lines, %v of virtual time, %v\n", o.seed, r.Trace, r.Lines, r.Took, r.Counts)
	return r.Err
}
