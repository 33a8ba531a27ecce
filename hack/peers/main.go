// Command peers measures posnet and CometBFT in turn on this machine, and prints
// one table of both with the ratios: an absolute figure says little on a machine
// that is shared, the ratio of two programs run in turn says something.
//
//	make bench-peers                                  # A B A B A B, about an hour
//	go run ./hack/peers -seconds 2 -rounds 1          # a smoke test
//	go run ./hack/peers -only latency,throughput -write docs/performance.md
//
// Each round runs hack/bench once for posnet and once for CometBFT v1.0.1 tuned,
// and of CometBFT as shipped the row of the killed validator. Rows that something
// else on the machine disturbed are thrown away; of the others the median counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/page"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	rounds, seconds, tries int
	patience               time.Duration
	only                   string
	dir                    string
	write                  string
}

const (
	// defaultRows are those that both programs have.
	defaultRows = "latency,throughput,processor,memory,overload,pause,restart,catchup"
	// maxRounds bounds a comparison to what fits in a day.
	maxRounds = 20
)

func parseFlags(args []string) (o options, err error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 3, "how often each is measured, in turn")
	f.IntVar(&o.seconds, "seconds", 10, "how long each run measures")
	f.IntVar(&o.tries, "tries", 4, "how often a row is measured, at most, until the machine is quiet meanwhile")
	f.DurationVar(&o.patience, "patience", time.Minute, "how long to wait, before each run, for the machine to be quiet")
	f.StringVar(&o.only, "only", defaultRows, "which rows to measure")
	f.StringVar(&o.dir, "dir", "", "the folder for the nodes' data, on a real disk; by default the system's for temporary files")
	f.StringVar(&o.write, "write", "", "the page to write the table into, besides printing it")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is no flag: see -help", f.Arg(0))
	case o.rounds < 1 || o.rounds > maxRounds:
		return o, fmt.Errorf("-rounds is %d: it must be 1 to %d", o.rounds, maxRounds)
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	programs, clean, err := build(ctx, o.dir)
	if err != nil {
		return err
	}
	defer clean()
	var m measured
	for i := range o.rounds {
		for _, c := range contenders {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", i+1, o.rounds, c.title)
			t, err := programs.measure(ctx, o, c)
			switch {
			case err != nil && (ctx.Err() != nil || i == 0 && c.rows == nil):
				return fmt.Errorf("%s: %w", c.title, err)
			case err != nil: // an hour's figures are not lost over one of them
				fmt.Fprintf(os.Stderr, "%s: this run counts for nothing: %v\n", c.title, err)
			default:
				m.add(c, t)
			}
		}
	}
	text := m.text(nodes.Version(ctx), o)
	fmt.Print(text)
	if o.write == "" {
		return nil
	}
	return page.Write(o.write, "peers", text)
}

// contender is one of those that are measured in turn.
type contender struct {
	title  string
	system string   // hack/bench's -system
	mode   string   // and -mode
	rows   []string // which it has of those that are wanted; nil: all
}

// The order is that of the columns; the third has the row of the killed alone.
var contenders = []contender{
	{title: "posnet", system: "posnet", mode: "tuned"},
	{title: "CometBFT tuned", system: "cometbft", mode: "tuned"},
	{title: "CometBFT as shipped", system: "cometbft", mode: "shipped", rows: []string{"pause"}},
}

// only returns the rows of a contender among those that are wanted.
func (c contender) only(wanted string) string {
	if c.rows == nil {
		return wanted
	}
	var out []string
	for _, row := range strings.Split(wanted, ",") {
		for _, own := range c.rows {
			if row == own {
				out = append(out, row)
			}
		}
	}
	return strings.Join(out, ",")
}

// arguments are hack/bench's.
func (o options) arguments(c contender, binary string) []string {
	return []string{
		"-system", c.system, "-mode", c.mode, "-binary", binary, "-only", c.only(o.only), "-o", "json", "-dir", o.dir,
		"-seconds", strconv.Itoa(o.seconds), "-tries", strconv.Itoa(o.tries), "-patience", o.patience.String(),
	}
}
