// Command fuzz runs the fuzz targets of the module, one after the other, each
// for a time, and tells each finding with the command that replays it.
//
//	go run ./hack/fuzz -time 30s               # all of them
//	go run ./hack/fuzz -only p2p -time 10m     # those whose name has p2p in it
//	go run ./hack/fuzz -plain -time 1s         # with the packages as they are for go test
//	go run ./hack/fuzz -list
//
// What a target finds of interest is kept in the Go build cache, so that the next
// run goes on from there; an input that fails is written into the package's
// testdata/fuzz, where go test reads it ever after. The time of a target begins
// when it has gone through the inputs that are known, so that a slow machine does
// less, and nothing else. The exit code is 1 after a finding.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
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
	if err := o.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options is what the flags say.
type options struct {
	time  time.Duration // of each target
	only  string        // what a target's name must have in it
	plain bool          // build as for other tests
	keep  int           // files for each target beside the code
	list  bool
}

func parseFlags(args []string) (o options, err error) {
	f := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	f.DurationVar(&o.time, "time", 5*time.Second, "how long each target runs")
	f.StringVar(&o.only, "only", "", "run only targets whose package or name has this in it")
	f.BoolVar(&o.plain, "plain", false, "compile nothing anew for it: inputs are varied, but new paths not noticed")
	f.IntVar(&o.keep, "keep", 0, "keep inputs of interest in testdata/fuzz, up to so many files for each target")
	f.BoolVar(&o.list, "list", false, "only list the targets")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.time <= 0 {
		err = fmt.Errorf("there are only flags, and -time is more than 0")
		fmt.Fprintln(os.Stderr, err)
	}
	return o, err
}

// run runs the targets.
func (o options) run(ctx context.Context, out io.Writer) error {
	all, err := findTargets(ctx, o.only)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no fuzz target has %q in its name", o.only)
	}
	if o.list {
		for _, t := range all {
			fmt.Fprintln(out, t)
		}
		return nil
	}
	b, err := newBench(ctx, o.plain)
	if err != nil {
		return err
	}
	defer b.close()
	return b.runAll(ctx, all, o, out)
}

// runAll runs targets, all of them even after a finding.
func (b *bench) runAll(ctx context.Context, all []target, o options, out io.Writer) error {
	began, findings := time.Now(), 0
	for i, t := range all {
		outcome, err := b.fuzz(ctx, t, o.time)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted after %d of %d targets, %d of them with a finding", i, len(all), findings)
		}
		var found *finding
		if errors.As(err, &found) {
			findings++
			outcome, err = "FINDING\n"+found.Error(), nil
		}
		if err == nil && o.keep > 0 {
			err = b.keep(t, o.keep)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d of %d  %-46s %s\n", i+1, len(all), t, outcome)
	}
	span := time.Since(began).Round(time.Second)
	if findings > 0 {
		return fmt.Errorf("a finding in %d of %d targets, in %v: what it is and how to replay it stands above", findings, len(all), span)
	}
	fmt.Fprintf(out, "no finding in %d targets, in %v\n", len(all), span)
	return nil
}
