// Command bench measures posnet on this machine and prints one table, with the
// machine's core count, that can be held beside another program's figures
// measured in the same hour: an absolute figure says little on a machine that
// is shared, the ratio of two programs run in turn says something.
//
//	go run ./hack/bench                               # all rows, about eight minutes
//	go run ./hack/bench -only latency -rates 100,2000
//	go run ./hack/bench -system cometbft -o json > figures.json
//
// Every row but the last is measured with four validators in four processes on
// 127.0.0.1, started anew from config/samples/bench.yaml, with their data on
// disk, under signed transfers between 1,000 keyed accounts that have their
// balances from the genesis. The transfers are signed before the clock starts
// and submitted over the client API (op merge, by a websocket to each of the
// nodes); a transfer is committed when a client that is subscribed to the
// blocks of one node has been told of its block. With -system cometbft the nodes
// are those of test/peers/cometbft: the loader, the books and all the rest are
// the same.
//
//   - latency: one record a frame at an even pace that waits for nobody (an open
//     loop); from just before the record is written to its commit.
//   - throughput: a bounded number of records outstanding (a closed loop), several
//     records a frame, as a busy client sends them, and what is refused again; single
//     is the same with one.
//   - processor: what all nodes together spend on a record in the same run.
//   - memory: the most that any node ever held (VmHWM) by the end of the run at
//     2,000 a second, and of that of the throughput row.
//   - overload: twice the rate of the throughput row at an even pace; what is
//     refused is offered again in the place of something new. What is committed, as
//     a share of the throughput row, and the p99 of what was accepted.
//   - pause: the longest time between two commits, as a subscriber at a node that
//     lives sees them, after one of the four was killed (SIGKILL) in the middle of
//     the run at 2,000 a second (500 with -mode shipped, whose mempool holds 5,000).
//     Nothing is sent twice; the loader goes on with the other three.
//   - restart: a killed node's process is started again when the others are 231
//     blocks ahead; from then until a block is certified with its vote.
//   - catchup: the chain is filled at its fastest for the span measured; then a
//     node is started without its data; the records that it has when only the
//     newest block is missing, by the time since its process was started. In both
//     rows 1,000 a second go on through the other three.
//   - draw: 10,000 heights of the lottery among 100 validators within this
//     process: draw, proof, verification of both, next seed, audit.
//
// A row counts only if everything else on the machine took at most 0.15 of a
// core meanwhile; else it is measured again, and after the last try marked. At
// the end of each run the books are checked: everything accepted is committed
// exactly once, by the balance of each account as another node tells it, and all
// nodes have the same head. A run that fails this is no figure but an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = benchmark(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	system   string
	mode     string // of CometBFT
	only     []string
	rates    []int // of the latency rows, per second
	span     time.Duration
	warm     time.Duration
	batch    int // records a frame in the throughput row
	window   int // records outstanding, all lanes together
	ceiling  int // records per second that transfers are signed for
	kills    int
	tries    int
	patience time.Duration
	manifest string
	binary   string
	dir      string
	keep     bool
	json     bool
}

func parseFlags(args []string) (options, error) {
	var o options
	var only, rates, output string
	var seconds, warm int
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&only, "only", strings.Join(jobNames(), ","), "which rows to measure")
	f.StringVar(&o.system, "system", systemPosnet, "what is measured: "+strings.Join(systems, " or "))
	f.StringVar(&o.mode, "mode", modeTuned, "how CometBFT is set: "+strings.Join(cometModes, " or "))
	f.StringVar(&rates, "rates", "100,2000,4000", "records per second of the latency rows")
	f.IntVar(&seconds, "seconds", 10, "how long to measure")
	f.IntVar(&warm, "warm", 2, "how many seconds to send before that, at the same pace")
	f.IntVar(&o.batch, "batch", 5, "records a frame in the throughput row")
	f.IntVar(&o.window, "window", 6000, "records outstanding in the throughput rows, over all four connections")
	f.IntVar(&o.ceiling, "ceiling", 24000, "records per second that transfers are signed for in the throughput rows")
	f.IntVar(&o.kills, "kills", 3, "how many times a node is killed for the pause row; the worst counts")
	f.IntVar(&o.tries, "tries", 4, "how often a row is measured, at most, until the machine is quiet meanwhile")
	f.DurationVar(&o.patience, "patience", 60*time.Second, "how long to wait, before each run, for the machine to be quiet")
	f.StringVar(&o.manifest, "f", "config/samples/bench.yaml", "the network's manifest, of four validators")
	f.StringVar(&o.binary, "binary", "", "the nodes' program (of CometBFT that of test/peers/cometbft), built before; by default it is built anew")
	f.StringVar(&o.dir, "dir", "", "the folder for the nodes' data, on a real disk; by default the system's for temporary files")
	f.BoolVar(&o.keep, "keep", false, "keep the nodes' data and logs")
	f.StringVar(&output, "o", "table", "table or json")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: see -help", f.Arg(0))
	}
	if o.json = output == "json"; !o.json && output != "table" {
		return o, fmt.Errorf("-o is %q: it must be table or json", output)
	}
	o.span, o.warm = time.Duration(seconds)*time.Second, time.Duration(warm)*time.Second
	var err error
	if o.only, err = parseOnly(only); err != nil {
		return o, err
	}
	if o.rates, err = parseRates(rates); err != nil {
		return o, err
	}
	return o, o.check()
}

func parseOnly(text string) ([]string, error) {
	names := strings.Split(text, ",")
	for _, name := range names {
		if !slices.Contains(jobNames(), name) {
			return nil, fmt.Errorf("-only names a row %q: there are %s", name, strings.Join(jobNames(), ", "))
		}
	}
	return names, nil
}

// maxRate is the highest pace of an open loop: beyond it the loader itself would
// need most of a core.
const maxRate = 20_000

func parseRates(text string) ([]int, error) {
	var rates []int
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > maxRate {
			return nil, fmt.Errorf("-rates has %q: it must be records per second, 1 to %d, with commas between", word, maxRate)
		}
		rates = append(rates, n)
	}
	return rates, nil
}

func (o options) check() error {
	switch {
	case o.span < time.Second || o.span > time.Hour:
		return fmt.Errorf("-seconds is %d: it must be 1 to 3600", o.span/time.Second)
	case o.warm < 0 || o.warm > time.Minute:
		return fmt.Errorf("-warm is %d: it must be 0 to 60 seconds", o.warm/time.Second)
	case o.batch < 1 || o.batch > maxPosnetBatch:
		return fmt.Errorf("-batch is %d: it must be 1 to %d", o.batch, maxPosnetBatch)
	case !slices.Contains(systems, o.system):
		return fmt.Errorf("-system is %q: there are %s", o.system, strings.Join(systems, ", "))
	case !slices.Contains(cometModes, o.mode):
		return fmt.Errorf("-mode is %q: there are %s", o.mode, strings.Join(cometModes, ", "))
	case o.window < nodeCount*o.batch:
		return fmt.Errorf("-window is %d: each of the %d connections must have room for a frame of %d", o.window, nodeCount, o.batch)
	case o.ceiling < 1 || o.kills < 1 || o.tries < 1:
		return fmt.Errorf("-ceiling, -kills and -tries must be 1 or more")
	}
	return nil
}
