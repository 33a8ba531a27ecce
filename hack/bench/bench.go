package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/table"
)

// bench is what all runs share.
type bench struct {
	options      options
	dir          string // of everything that is written
	accounts     *accounts
	system       system
	work         *workload
	killAfter    time.Duration // the moment of a kill in what is measured
	missed       uint64        // blocks that a node is behind when it is started again
	rejoinRate   int           // records per second meanwhile
	atMemoryRate *outcome      // the latency run at memoryRate, if there was one
	saturated    *outcome      // the throughput run, if there was one
}

// benchmark measures all rows that are wanted and prints them.
func benchmark(ctx context.Context, o options) error {
	b, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer b.clean()
	t := b.table()
	for _, j := range jobs {
		if !slices.Contains(o.only, j.name) || b.system.lacks(j.name) {
			continue
		}
		rows, err := j.run(ctx, b)
		t.Rows = append(t.Rows, table.Finished(rows)...)
		if err != nil {
			_ = t.Print(os.Stdout, o.json) // what was measured until then is worth telling
			return fmt.Errorf("%s: %w", j.name, err)
		}
	}
	return t.Print(os.Stdout, o.json)
}

func prepare(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{options: o, killAfter: defaultKillAfter, missed: defaultMissed, rejoinRate: defaultRejoinRate}
	if b.dir, err = os.MkdirTemp(o.dir, "posnet-bench-"); err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	}
	if b.accounts, err = newAccounts(nodeCount); err != nil {
		return nil, err
	}
	if b.system, err = newSystem(ctx, o, b.dir, b.accounts); err != nil {
		return nil, err
	}
	b.work = newWorkload(b.accounts, b.system)
	return b, nil
}

// table is where the rows go.
func (b *bench) table() *table.Table {
	return &table.Table{
		Time: time.Now().UTC().Truncate(time.Second), Program: b.system.title(), Cores: runtime.NumCPU(),
		Processor: machine.ProcessorName(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Data: b.dir, InMemory: machine.InMemory(b.dir), Rule: b.system.rule(), Accounts: accountCount,
	}
}

func (b *bench) clean() {
	if b.options.keep {
		say("the nodes' data and logs are in %s", b.dir)
		return
	}
	_ = os.RemoveAll(b.dir)
}

// quietly measures until nothing else used the machine meanwhile, and gives the
// quietest of its tries.
func (b *bench) quietly(ctx context.Context, what string, measure func() (outcome, error)) (outcome, error) {
	var best outcome
	for try := range b.options.tries {
		if err := machine.AwaitQuiet(ctx, b.options.patience, say); err != nil {
			return best, err
		}
		say("%s", what)
		o, err := measure()
		if err != nil {
			return best, err
		}
		if try == 0 || o.cores.Foreign < best.cores.Foreign {
			best = o
		}
		if o.counts() {
			return o, nil
		}
		say("that does not count: the rest of the machine used %.2f of a core, and the loader was %v late at worst", o.cores.Foreign, o.late.Round(time.Millisecond))
	}
	return best, nil
}

// say tells the person who waits how far things are.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
