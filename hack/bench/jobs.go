package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The figures that posnet is to meet, on two cores.
const (
	latencyLimit100  = 15.0            // ms, median
	latencyLimit1000 = 30.0            // ms, median
	throughputLimit  = 8000            // committed per second
	memoryLimit      = 100             // MiB, of one node
	pauseLimit       = 500             // ms
	restartLimit     = 1.3             // s
	catchUpLimit     = 20_000          // records per second
	drawLimit        = 5               // s
	memoryRate       = 1000            // records per second
	pauseRate        = 1000            // records per second
	defaultKillAfter = 3 * time.Second // of what is measured
	drawHeights      = 10_000
	drawValidators   = 100
	mebibyte         = 1 << 20
)

// job is one kind of run, which gives one row or more.
type job struct {
	name string
	run  func(ctx context.Context, b *bench) ([]Row, error)
}

var jobs = []job{
	{"latency", latency},
	{"throughput", func(ctx context.Context, b *bench) ([]Row, error) { return throughput(ctx, b, b.options.batch) }},
	{"single", func(ctx context.Context, b *bench) ([]Row, error) { return throughput(ctx, b, 1) }},
	{"memory", memory},
	{"pause", pause},
	{"restart", restart},
	{"catchup", catchUp},
	{"draw", draw},
}

func jobNames() []string {
	var names []string
	for _, j := range jobs {
		names = append(names, j.name)
	}
	return names
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// atRate runs an open loop.
func (b *bench) atRate(ctx context.Context, rate int, killAfter time.Duration) (outcome, error) {
	lanes := nodeCount
	if killAfter > 0 {
		lanes-- // the others take over
	}
	perLane := rate*int((b.options.warm+b.options.span)/time.Second+2)/lanes + 1
	return b.run(ctx, perLane, func(ctx context.Context, lanes []*lane, begin, end time.Time) (time.Duration, error) {
		return pace(ctx, schedule{begin, rate}, end, lanes)
	}, killAfter)
}

func latency(ctx context.Context, b *bench) ([]Row, error) {
	var rows []Row
	for _, rate := range b.options.rates {
		row := Row{Name: "latency", What: fmt.Sprintf("median latency at %s a second", thousands(rate)), Unit: "ms", AtMost: true}
		switch rate {
		case 100:
			row.Limit = latencyLimit100
		case 1000:
			row.Limit = latencyLimit1000
		}
		o, err := b.quietly(ctx, row.What, func() (outcome, error) { return b.atRate(ctx, rate, 0) })
		if err != nil {
			return rows, err
		}
		if rate == memoryRate {
			b.atMemoryRate = &o
		}
		s := spreadOf(o.latencies)
		row.Value, row.Spread = s.Median, &s
		row.judge(o)
		row.Details = fmt.Sprintf("p90 %.1f, p99 %.1f, max %.1f ms; %s records in %s blocks%s", s.P90, s.P99, s.Max,
			thousands(o.sent), thousands(len(within(o.commits, o.begin, o.end))), lateRounds(o))
		rows = append(rows, row)
	}
	return rows, nil
}

// lateRounds tells of blocks that a later round than the first agreed on.
func lateRounds(o outcome) string {
	n := 0
	for _, c := range within(o.commits, o.begin, o.end) {
		if c.round > 0 {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s in later rounds", thousands(n))
}

func throughput(ctx context.Context, b *bench, batch int) ([]Row, error) {
	row := Row{What: fmt.Sprintf("throughput, %d records a frame", batch), Name: "throughput", Unit: "/s", Limit: throughputLimit}
	if batch == 1 {
		row = Row{What: "throughput, one record a frame", Name: "single", Unit: "/s"}
	}
	window := b.options.window / nodeCount
	perLane := b.options.ceiling*int((b.options.warm+b.options.span)/time.Second+1)/nodeCount + window
	o, err := b.quietly(ctx, row.What, func() (outcome, error) {
		return b.run(ctx, perLane, func(ctx context.Context, lanes []*lane, _, end time.Time) (time.Duration, error) {
			return 0, flood(ctx, end, lanes, batch, window)
		}, 0)
	})
	if err != nil {
		return nil, err
	}
	commits, s := within(o.commits, o.begin, o.end), spreadOf(o.latencies)
	row.Value, row.Spread = perSecond(commits), &s
	row.judge(o)
	row.Details = fmt.Sprintf("%s outstanding; latency p50 %.0f, p99 %.0f ms; %s records in %s blocks%s; peak memory %s MiB",
		thousands(b.options.window), s.Median, s.P99, thousands(o.sent), thousands(len(commits)), lateRounds(o), mebibytes(o.peaks))
	return []Row{row}, nil
}

func memory(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "memory", What: fmt.Sprintf("peak memory of a node at %s a second", thousands(memoryRate)), Unit: "MiB", Limit: memoryLimit, AtMost: true}
	o := b.atMemoryRate // the latency row at that rate is the same run
	if o == nil {
		fresh, err := b.quietly(ctx, row.What, func() (outcome, error) { return b.atRate(ctx, memoryRate, 0) })
		if err != nil {
			return nil, err
		}
		o = &fresh
	}
	row.Value = float64(slices.Max(o.peaks)) / mebibyte
	row.judge(*o)
	row.Details = "the four: " + mebibytes(o.peaks) + " MiB"
	return []Row{row}, nil
}

func mebibytes(peaks []int64) string {
	var words []string
	for _, p := range peaks {
		words = append(words, fmt.Sprintf("%.0f", float64(p)/mebibyte))
	}
	return strings.Join(words, " ")
}

func pause(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "pause", What: "longest pause when one of four is killed", Unit: "ms", Limit: pauseLimit, AtMost: true}
	var all []string
	unseen := 0
	for i := range b.options.kills {
		o, err := b.quietly(ctx, fmt.Sprintf("%s, %d of %d", row.What, i+1, b.options.kills), func() (outcome, error) {
			return b.atRate(ctx, pauseRate, b.killAfter)
		})
		if err != nil {
			return nil, err
		}
		longest := ms(longestPause(o.commits, o.killed, o.end))
		row.Value = max(row.Value, longest)
		row.judge(o)
		unseen += o.unseen
		all = append(all, fmt.Sprintf("%.0f", longest))
	}
	row.Details = fmt.Sprintf("%s kills: %s ms; %s records went down with the nodes", thousands(b.options.kills), strings.Join(all, ", "), thousands(unseen))
	return []Row{row}, nil
}

func restart(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "restart", What: fmt.Sprintf("restart %d blocks behind until it votes", b.missed), Unit: "s", Limit: restartLimit, AtMost: true}
	o, err := b.rejoinQuietly(ctx, row.What, rejoining{behind: b.missed, back: votes})
	if err != nil {
		return nil, err
	}
	row.Value = o.took.Seconds()
	row.judge(o.outcome)
	row.Details = fmt.Sprintf("%s blocks behind when its process starts, which then uses %.2f s of a processor; %s a second go on",
		thousands(int(o.blocks)), o.used.Seconds(), thousands(b.rejoinRate))
	return []Row{row}, nil
}

func catchUp(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "catchup", What: "an empty node catches up under load", Unit: "/s", Limit: catchUpLimit}
	o, err := b.rejoinQuietly(ctx, row.What, rejoining{fill: b.options.span, empty: true, back: caughtUp})
	if err != nil {
		return nil, err
	}
	row.Value = float64(o.records) / o.took.Seconds()
	row.judge(o.outcome)
	row.Details = fmt.Sprintf("%s records in %s blocks after %.1f s, with %.0f us of a processor each; %s a second go on; peak memory %s MiB",
		thousands(int(o.records)), thousands(int(o.blocks)), o.took.Seconds(), o.used.Seconds()*1e6/float64(o.records), thousands(b.rejoinRate), mebibytes(o.peaks))
	return []Row{row}, nil
}

// rejoinQuietly measures a run until nothing else used the machine meanwhile.
func (b *bench) rejoinQuietly(ctx context.Context, what string, how rejoining) (rejoined, error) {
	runs := map[time.Time]rejoined{}
	best, err := b.quietly(ctx, what, func() (outcome, error) {
		o, err := b.rejoin(ctx, how)
		runs[o.begin] = o
		return o.outcome, err
	})
	return runs[best.begin], err
}
