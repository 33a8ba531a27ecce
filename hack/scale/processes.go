package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/steady"
)

const (
	// processRate is how many records per second processes are measured under: so many
	// that one always waits for the next block, and no more, for it is agreement that
	// is measured.
	processRate = 200
	// warmUp is how long the load goes on before anything is measured.
	warmUp = 2 * time.Second
	// clients pay each other.
	clients = 1000
)

// running is a network of processes, as it was measured.
type running struct {
	validators     int
	blocks         float64
	records        float64 // a block
	messages       float64 // of agreement, a block, all validators together
	voteBytes      float64 // of agreement, a block, all validators together
	bulkBytes      float64 // of records, a record, all validators together
	time           time.Duration
	processor      time.Duration // a block, all validators together
	memory         float64       // bytes, of the largest node
	lostRounds     float64
	cores, foreign float64
}

// moment is the counters of all nodes together.
type moment struct {
	height, messages, voteBytes, bulkBytes, records, rounds float64
	at                                                      time.Time
	clock                                                   machine.Clock
}

func (r *rig) runAll(ctx context.Context) (all []running, err error) {
	for _, n := range r.options.processes {
		say("%d validators in processes", n)
		one, err := r.runProcesses(ctx, n)
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (r *rig) runProcesses(ctx context.Context, n int) (out running, err error) {
	accounts := steady.NewAccounts(clients)
	d := r.network(n, func(s *v1alpha1.PosNetworkSpec) {
		s.Ledger.Accounts = accounts.Funded()
		s.Consensus.ProposeTimeout = metav1.Duration{Duration: 3 * time.Second}
	})
	network, err := d.Network()
	if err != nil {
		return out, err
	}
	dir := filepath.Join(r.dir, "processes-"+strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return out, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with the folder around it
	all, err := d.Write(dir)
	if err != nil {
		return out, err
	}
	defer all.Stop()
	if err := nodes.StartAll(ctx, all); err != nil {
		return out, err
	}
	load, err := steady.Open(ctx, all, network, accounts)
	if err != nil {
		return out, err
	}
	defer load.Close()
	return r.measureProcesses(ctx, all, load)
}

func (r *rig) measureProcesses(ctx context.Context, all nodes.All, load *steady.Load) (out running, err error) {
	sent := make(chan error, 1)
	begin := time.Now()
	go func() {
		_, err := load.Run(ctx, processRate, begin.Add(warmUp+r.options.span))
		sent <- err
	}()
	if err := machine.Sleep(ctx, warmUp); err != nil {
		return out, err
	}
	from, err := read(ctx, all)
	if err != nil {
		return out, err
	}
	if err := machine.Sleep(ctx, time.Until(begin.Add(warmUp+r.options.span))); err != nil {
		return out, err
	}
	to, err := read(ctx, all)
	if err != nil {
		return out, err
	}
	if err := <-sent; err != nil {
		return out, err
	}
	out = between(from, to)
	out.validators = len(all)
	peaks, err := all.Peaks()
	if err != nil {
		return out, err
	}
	out.memory = float64(slices.Max(peaks))
	return out, load.Settle(ctx)
}

// read reads the counters of all nodes.
func read(ctx context.Context, all nodes.All) (m moment, err error) {
	if m.clock, err = machine.ReadClock(all.Time); err != nil {
		return m, err
	}
	m.at = time.Now()
	for i, p := range all {
		metrics, err := p.Scrape(ctx)
		if err != nil {
			return m, err
		}
		for _, c := range []struct {
			into   *float64
			first  bool // of the first node alone
			name   string
			labels []string
		}{
			{&m.height, true, "posnet_height", nil},
			{&m.records, true, "posnet_records_committed_total", nil},
			{&m.rounds, true, "posnet_rounds_lost_total", nil},
			{&m.messages, false, "posnet_p2p_messages_total", []string{"direction=sent", "link=vote"}},
			{&m.voteBytes, false, "posnet_p2p_bytes_total", []string{"direction=sent", "link=vote"}},
			{&m.bulkBytes, false, "posnet_p2p_bytes_total", []string{"direction=sent", "link=bulk"}},
		} {
			if c.first && i > 0 {
				continue
			}
			v, err := metrics.Sum(c.name, c.labels...)
			if err != nil {
				return m, err
			}
			*c.into += v
		}
	}
	return m, nil
}

// between is what the counters say of the time between two moments.
func between(from, to moment) running {
	blocks, records := max(1, to.height-from.height), max(1, to.records-from.records)
	cores := from.clock.Until(to.clock)
	span := to.at.Sub(from.at)
	return running{
		blocks: blocks, records: records / blocks, messages: (to.messages - from.messages) / blocks,
		voteBytes: (to.voteBytes - from.voteBytes) / blocks, bulkBytes: (to.bulkBytes - from.bulkBytes) / records,
		time:       time.Duration(float64(span) / blocks),
		processor:  time.Duration(cores.Nodes * float64(span) / blocks),
		lostRounds: to.rounds - from.rounds, cores: cores.Nodes, foreign: cores.Foreign,
	}
}
