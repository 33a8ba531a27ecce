package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/steady"
	"github.com/posnet/posnet/hack/bench/table"
	"github.com/posnet/posnet/node/types"
)

const (
	// payers are the accounts that pay; whom they pay is anywhere among all.
	payers = 1000
	// accountBlock is how many records a block has while accounts are measured, and
	// accountRate how many there are per second.
	accountBlock = 200
	accountRate  = 2000
)

// populous is a node with many accounts, as it was measured.
type populous struct {
	accounts  int
	disk      float64 // bytes of its data folder
	restart   startup
	memory    float64       // bytes, when it is
	peak      float64       // bytes, in the end
	commit    time.Duration // of a block
	processor time.Duration // a record
	blocks    float64       // that were measured
	foreign   float64
}

// accounts measures how cost grows with their number.
func (r *rig) accounts(ctx context.Context) (section, error) {
	var all []populous
	for _, n := range r.options.accounts {
		say("%s accounts", table.Thousands(n))
		p, err := r.populate(ctx, n)
		if err != nil {
			return section{}, fmt.Errorf("%s accounts: %w", table.Thousands(n), err)
		}
		all = append(all, p)
	}
	return section{accountsTable(all), accountsPanels(all)}, nil
}

// populate measures a node with n accounts, those that pay among them.
func (r *rig) populate(ctx context.Context, n int) (out populous, err error) {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	others := max(1, n-payers)
	accounts := steady.NewPayers(payers, func(int) types.Account { return other(random.IntN(others)) })
	d := r.network(1, func(s *v1alpha1.PosNetworkSpec) {
		s.Ledger.Accounts = accounts.Funded()
		s.Builder.When, s.Builder.MaxRecords = fmt.Sprintf("pool.size >= %d", accountBlock), accountBlock
	})
	network, err := d.Network()
	if err != nil {
		return out, err
	}
	dir := filepath.Join(r.dir, "accounts-"+strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return out, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with the folder around it
	all, err := d.Write(dir)
	if err != nil {
		return out, err
	}
	p := all[0]
	defer p.Stop()
	if err := seedAccounts(p, others); err != nil {
		return out, err
	}
	debug.FreeOSMemory() // what was written may be gigabytes, and the node needs them
	out.accounts = n
	if out.restart, err = startBest(ctx, p); err != nil {
		return out, err
	}
	if out.disk, err = nodes.FolderSize(p.Data()); err != nil {
		return out, err
	}
	memory, err := machine.ProcessMemory(p.PID())
	if err != nil {
		return out, err
	}
	out.memory = float64(memory)
	load, err := steady.Open(ctx, all, network, accounts)
	if err != nil {
		return out, err
	}
	defer load.Close()
	return out, r.measureCommits(ctx, all, load, &out)
}

// measureCommits measures a node under load, until all that was sent is committed.
func (r *rig) measureCommits(ctx context.Context, all nodes.All, load *steady.Load, out *populous) error {
	if _, err := load.Run(ctx, accountRate, time.Now().Add(warmUp)); err != nil {
		return err
	}
	from, err := readCommits(ctx, all)
	if err != nil {
		return err
	}
	if _, err := load.Run(ctx, accountRate, time.Now().Add(r.options.span)); err != nil {
		return err
	}
	if err := load.Fill(ctx, accountBlock); err != nil { // so that the last block is one
		return err
	}
	if err := load.Drain(ctx); err != nil {
		return err
	}
	to, err := readCommits(ctx, all)
	if err != nil {
		return err
	}
	blocks := to.blocks - from.blocks
	cores := from.clock.Until(to.clock)
	out.blocks, out.foreign = blocks, cores.Foreign
	out.commit = time.Duration((to.seconds - from.seconds) / blocks * float64(time.Second))
	out.processor = time.Duration(cores.Nodes * float64(to.at.Sub(from.at)) / (blocks * accountBlock))
	peak, err := machine.ProcessPeak(all[0].PID())
	if err != nil {
		return err
	}
	out.peak = float64(peak)
	return load.Settle(ctx)
}

// commits is a node's counters of blocks at one moment.
type commits struct {
	blocks, seconds float64
	at              time.Time
	clock           machine.Clock
}

func readCommits(ctx context.Context, all nodes.All) (c commits, err error) {
	if c.clock, err = machine.ReadClock(all.Time); err != nil {
		return c, err
	}
	c.at = time.Now()
	m, err := all[0].Scrape(ctx)
	if err != nil {
		return c, err
	}
	if c.blocks, err = m.Sum("posnet_blocks_committed_total"); err != nil {
		return c, err
	}
	c.seconds, err = m.Sum("posnet_commit_seconds")
	return c, err
}

func accountsTable(all []populous) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| accounts | start until ready | processor for that | memory when ready | peak memory | data folder | commit of a block of %d | processor a record | foreign |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", accountBlock)
	note := ""
	for _, p := range all {
		mark := disturbed(p.foreign)
		if strings.HasSuffix(mark, "*") {
			note = disturbedNote
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f MiB | %.0f MiB | %.0f MiB | %s | %s | %s |\n", table.Thousands(p.accounts), duration(p.restart.took), duration(p.restart.processor),
			p.memory/mebibyte, p.peak/mebibyte, p.disk/mebibyte, duration(p.commit), duration(p.processor), mark)
	}
	return b.String() + note
}

func accountsPanels(all []populous) []curves.Panel {
	panel := func(title string, of func(populous) float64) curves.Panel {
		l := curves.Line{Dots: true}
		for _, p := range all {
			l.X, l.Y = append(l.X, float64(p.accounts)), append(l.Y, of(p))
		}
		return curves.Panel{Title: title, X: "accounts", LogX: true, LogY: true, Lines: []curves.Line{l}}
	}
	return []curves.Panel{
		panel("processor of a start, s", func(p populous) float64 { return p.restart.processor.Seconds() }),
		panel("memory when ready, MiB", func(p populous) float64 { return p.memory / mebibyte }),
		panel("processor a record, µs", func(p populous) float64 { return 1000 * ms(p.processor) }),
		panel("data folder, MiB", func(p populous) float64 { return p.disk / mebibyte }),
	}
}
