// Command scale measures how what a network costs grows with the number of its
// validators, of its accounts and of its blocks, and prints tables.
//
//		make scale                                           # writes docs/performance.md and its pictures; about half an hour
//		go run ./hack/scale -only blocks -blocks 1000,10000  # some of it, printed
//
//	  - validators: messages and bytes of agreement for each block, time and processor
//	    time for each height: in the simulator, where as many validators as one likes
//	    find their place and time is virtual; and in real processes on this machine, by
//	    the nodes' own metrics, under a load of some records per second.
//	  - accounts: a node's data folder is written with so many accounts, as if they had
//	    come into being on its chain. A real node starts on it: how long until it is
//	    ready, how much memory it then has, how long it takes to commit a block of 200
//	    transfers to accounts anywhere among them, and what a record costs.
//	  - blocks: an engine fills a chain with blocks of two signed transfers. At each
//	    size a real node starts on it, and a client asks: how long until it is ready and
//	    has audited all draws, and how long it takes to answer.
//
// The foreign column tells how many cores everything else on the machine used
// meanwhile: with more than 0.15 the figures of time say little, and are marked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/node/types"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = scale(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	only      []string
	simulated []int // validators in the simulator
	processes []int // validators in processes
	accounts  []int
	blocks    []int
	span      time.Duration
	manifest  string
	binary    string
	dir       string
	write     string
	pictures  string
}

const (
	partValidators = "validators"
	partAccounts   = "accounts"
	partBlocks     = "blocks"

	// maxProcesses is where a machine of some gigabytes is full.
	maxProcesses = 64
	// maxAccounts is what the program that writes them holds in four gigabytes, and
	// maxBlocks what it fills in an hour.
	maxAccounts, maxBlocks = 20_000_000, 10_000_000
)

var parts = []string{partValidators, partAccounts, partBlocks}

func parseFlags(args []string) (o options, err error) {
	var only, simulated, processes, accounts, blocks string
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.StringVar(&only, "only", strings.Join(parts, ","), "what is measured")
	f.StringVar(&simulated, "validators", "4,7,16,31,100", "numbers of validators in the simulator")
	f.StringVar(&processes, "processes", "4,7,16,31", "numbers of validators in processes")
	f.StringVar(&accounts, "accounts", "10000,100000,1000000,10000000", "numbers of accounts")
	f.StringVar(&blocks, "blocks", "1000,10000,100000,1000000", "numbers of blocks")
	f.DurationVar(&o.span, "span", 10*time.Second, "how long processes are measured")
	f.StringVar(&o.manifest, "f", "config/samples/bench.yaml", "the manifest that the networks are made from")
	f.StringVar(&o.binary, "binary", "", "the nodes' program, built before; by default it is built anew")
	f.StringVar(&o.dir, "dir", "", "the folder for the nodes' data, on a real disk; by default the system's for temporary files")
	f.StringVar(&o.write, "write", "", "the page to write the tables into, besides printing them")
	f.StringVar(&o.pictures, "pictures", "", "the folder to draw scale-validators.svg, scale-accounts.svg and scale-blocks.svg into")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: see -help", f.Arg(0))
	}
	if o.span < time.Second || o.span > time.Hour {
		return o, fmt.Errorf("-span is %v: it must be 1s to 1h", o.span)
	}
	o.only = strings.Split(only, ",")
	for _, part := range o.only {
		if !slices.Contains(parts, part) {
			return o, fmt.Errorf("-only names %q: there are %s", part, strings.Join(parts, ", "))
		}
	}
	for _, list := range []struct {
		name, text string
		min, max   int
		into       *[]int
	}{
		{"validators", simulated, 1, types.MaxValidators, &o.simulated},
		{"processes", processes, 1, maxProcesses, &o.processes},
		{"accounts", accounts, payers, maxAccounts, &o.accounts},
		{"blocks", blocks, 100, maxBlocks, &o.blocks},
	} {
		if *list.into, err = parseSizes(list.name, list.text, list.min, list.max); err != nil {
			return o, err
		}
	}
	return o, nil
}

// parseSizes reads whole numbers in ascending order.
func parseSizes(name, text string, least, most int) ([]int, error) {
	var sizes []int
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < least || n > most || len(sizes) > 0 && n <= sizes[len(sizes)-1] {
			return nil, fmt.Errorf("-%s has %q: it must be whole numbers from %d to %d, ascending, with commas between", name, word, least, most)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// picture is the file of a part's curves, "" where none is drawn.
func (o options) picture(part string) string {
	if o.pictures == "" {
		return ""
	}
	return filepath.Join(o.pictures, "scale-"+part+".svg")
}

// section is what is told of one part.
type section struct {
	table  string // Markdown
	panels []curves.Panel
}
