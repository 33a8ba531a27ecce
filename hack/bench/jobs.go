package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posnet/posnet/hack/bench/table"
)

// The figures that posnet is to meet, on two cores.
const (
	throughputLimit  = 15_000          // committed per second
	processorLimit   = 110             // µs of all nodes together, for each record
	memoryLimit      = 80              // MiB, of one node, at memoryRate
	fullMemoryLimit  = 150             // MiB, of one node, saturated
	overloadLimit    = 90              // % of what is committed without an overload
	overloadP99Limit = 500             // ms
	pauseLimit       = 300             // ms
	restartLimit     = 1.3             // s
	catchUpLimit     = 20_000          // records per second
	drawLimit        = 5               // s
	memoryRate       = 2000            // records per second
	pauseRate        = 2000            // records per second
	shippedPauseRate = 500             // with CometBFT as shipped, whose mempool would be full before it goes on
	defaultKillAfter = 3 * time.Second // of what is measured
	drawHeights      = 10_000
	drawValidators   = 100
	mebibyte         = 1 << 20
)

// latencyLimits are the most that median and p99 may be, in ms, by records per second.
var latencyLimits = map[int]struct{ median, p99 float64 }{100: {median: 10}, 2000: {20, 45}, 4000: {30, 80}}

// Row is short for what jobs make.
type Row = table.Row

// job is one kind of run, which gives one row or more.
type job struct {
	name string
	run  func(ctx context.Context, b *bench) ([]Row, error)
}

var jobs = []job{
	{"latency", latency},
	{"throughput", throughput},
	{"single", single},
	{"processor", processor},
	{"memory", memory},
	{"overload", overload},
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

// atRate runs an open loop.
func (b *bench) atRate(ctx context.Context, rate int, killAfter time.Duration) (outcome, error) {
	lanes := nodeCount
	if killAfter > 0 {
		lanes-- // the others take over
	}
	perLane := rate*int((b.options.warm+b.options.span)/time.Second+2)/lanes + 1
	return b.run(ctx, load{perLane: perLane, killAfter: killAfter, how: func(ctx context.Context, lanes []*lane, begin, end time.Time) (time.Duration, error) {
		return pace(ctx, schedule{begin, rate}, end, lanes)
	}})
}

func latency(ctx context.Context, b *bench) ([]Row, error) {
	var rows []Row
	for _, rate := range b.options.rates {
		limit := latencyLimits[rate]
		row := Row{Name: "latency", What: fmt.Sprintf("median latency at %s a second", table.Thousands(rate)), Unit: "ms", Limit: limit.median, AtMost: true}
		o, err := b.quietly(ctx, row.What, func() (outcome, error) { return b.atRate(ctx, rate, 0) })
		if err != nil {
			return rows, err
		}
		if rate == memoryRate {
			b.atMemoryRate = &o
		}
		s := spreadOf(o.latencies)
		row.Value, row.Spread = s.Median, &s
		row.Judge(o.counts(), o.cores, o.late)
		row.Details = fmt.Sprintf("p90 %.1f, max %.1f ms; %s records in %s blocks%s", s.P90, s.Max,
			table.Thousands(o.sent), table.Thousands(len(within(o.commits, o.begin, o.end))), lateRounds(o))
		p99 := row
		p99.What, p99.Value, p99.Limit = fmt.Sprintf("p99 latency at %s a second", table.Thousands(rate)), s.P99, limit.p99
		p99.Details = "the same run"
		rows = append(rows, row, p99)
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
	return fmt.Sprintf(", %s in later rounds", table.Thousands(n))
}

// perLane is how many records each lane may send in a run that sends as fast as
// it can.
func (b *bench) perLane() int {
	seconds := int((b.options.warm+b.options.span)/time.Second + 1)
	return b.options.ceiling*seconds/nodeCount + b.options.window/nodeCount
}

// flooded runs a closed loop.
func (b *bench) flooded(ctx context.Context, what string, batch int) (outcome, error) {
	return b.quietly(ctx, what, func() (outcome, error) {
		perLane := b.perLane() / batch * batch
		return b.run(ctx, load{perLane: perLane, insist: batch, how: func(ctx context.Context, lanes []*lane, _, end time.Time) (time.Duration, error) {
			if err := flood(ctx, end, lanes, batch, b.options.window/nodeCount); err != nil {
				return 0, err
			}
			return 0, mendAll(ctx, lanes, end)
		}})
	})
}

// batch is how many records the throughput row has in a frame.
func (b *bench) batch() int {
	return divisorUpTo(b.accounts.perLane(), min(b.options.batch, b.system.maxBatch()))
}

// saturatedRun is the throughput row's, made now if there was none.
func (b *bench) saturatedRun(ctx context.Context) (outcome, error) {
	if b.saturated == nil {
		o, err := b.flooded(ctx, "saturation", b.batch())
		if err != nil {
			return o, err
		}
		b.saturated = &o
	}
	return *b.saturated, nil
}

func throughput(ctx context.Context, b *bench) ([]Row, error) {
	o, err := b.saturatedRun(ctx)
	if err != nil {
		return nil, err
	}
	row := b.throughputRow(o)
	row.Name, row.What, row.Limit = "throughput", "committed a second, saturated", throughputLimit
	row.Details = fmt.Sprintf("%d records a frame, %s", b.batch(), row.Details)
	return []Row{row}, nil
}

func single(ctx context.Context, b *bench) ([]Row, error) {
	const what = "the same with one record a frame"
	o, err := b.flooded(ctx, what, 1)
	if err != nil {
		return nil, err
	}
	row := b.throughputRow(o)
	row.Name, row.What = "single", what
	return []Row{row}, nil
}

func (b *bench) throughputRow(o outcome) Row {
	commits, s := within(o.commits, o.begin, o.end), spreadOf(o.latencies)
	row := Row{Unit: "/s", Value: perSecond(commits), Spread: &s}
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = fmt.Sprintf("%s outstanding; latency p50 %.0f, p99 %.0f ms; %s records in %s blocks%s",
		table.Thousands(b.options.window), s.Median, s.P99, table.Thousands(o.sent), table.Thousands(len(commits)), lateRounds(o))
	return row
}

// processor is what a record costs when there is no time to waste.
func processor(ctx context.Context, b *bench) ([]Row, error) {
	o, err := b.saturatedRun(ctx)
	if err != nil {
		return nil, err
	}
	row := Row{Name: "processor", What: "processor time per record, all nodes", Unit: "µs", Limit: processorLimit, AtMost: true}
	row.Value = 1e6 * o.cores.Nodes / max(1, perSecond(within(o.commits, o.begin, o.end)))
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = "saturated; nodes' cores by committed a second"
	return []Row{row}, nil
}

func memory(ctx context.Context, b *bench) ([]Row, error) {
	const what = "peak memory of a node at %s a second"
	row := Row{Name: "memory", What: fmt.Sprintf(what, table.Thousands(memoryRate)), Unit: "MiB", Limit: memoryLimit, AtMost: true}
	if b.atMemoryRate == nil { // else the latency row at that rate is the same run
		o, err := b.quietly(ctx, row.What, func() (outcome, error) { return b.atRate(ctx, memoryRate, 0) })
		if err != nil {
			return nil, err
		}
		b.atMemoryRate = &o
	}
	full, err := b.saturatedRun(ctx)
	if err != nil {
		return nil, err
	}
	saturated := Row{Name: "memory", What: "peak memory of a node, saturated", Unit: "MiB", Limit: fullMemoryLimit, AtMost: true}
	return []Row{memoryRow(row, *b.atMemoryRate), memoryRow(saturated, full)}, nil
}

func memoryRow(row Row, o outcome) Row {
	row.Value = float64(slices.Max(o.peaks)) / mebibyte
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = "the four: " + mebibytes(o.peaks) + " MiB"
	return row
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
	rate := pauseRate
	if b.options.system == systemCometBFT && b.options.mode == modeShipped {
		rate = shippedPauseRate
	}
	var all []string
	unseen := 0
	for i := range b.options.kills {
		o, err := b.quietly(ctx, fmt.Sprintf("%s, %d of %d", row.What, i+1, b.options.kills), func() (outcome, error) {
			return b.atRate(ctx, rate, b.killAfter)
		})
		if err != nil {
			return nil, err
		}
		longest := ms(longestPause(o.commits, o.killed, o.end))
		row.Value = max(row.Value, longest)
		row.Judge(o.counts(), o.cores, o.late)
		unseen += o.unseen
		all = append(all, fmt.Sprintf("%.0f", longest))
	}
	row.Details = fmt.Sprintf("%s kills: %s ms; %s records went down with the nodes", table.Thousands(b.options.kills), strings.Join(all, ", "), table.Thousands(unseen))
	return []Row{row}, nil
}

func restart(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "restart", What: fmt.Sprintf("restart %d blocks behind until it votes", b.missed), Unit: "s", Limit: restartLimit, AtMost: true}
	o, err := b.rejoinQuietly(ctx, row.What, rejoining{behind: b.missed, back: votes})
	if err != nil {
		return nil, err
	}
	row.Value = o.took.Seconds()
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = fmt.Sprintf("%s blocks behind when its process starts, which then uses %.2f s of a processor; %s a second go on",
		table.Thousands(int(o.blocks)), o.used.Seconds(), table.Thousands(b.rejoinRate))
	return []Row{row}, nil
}

func catchUp(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "catchup", What: "an empty node catches up under load", Unit: "/s", Limit: catchUpLimit}
	o, err := b.rejoinQuietly(ctx, row.What, rejoining{fill: b.options.span, empty: true, back: caughtUp})
	if err != nil {
		return nil, err
	}
	row.Value = float64(o.records) / o.took.Seconds()
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = fmt.Sprintf("%s records in %s blocks after %.1f s, with %.0f us of a processor each; %s a second go on; peak memory %s MiB",
		table.Thousands(int(o.records)), table.Thousands(int(o.blocks)), o.took.Seconds(), o.used.Seconds()*1e6/float64(o.records), table.Thousands(b.rejoinRate), mebibytes(o.peaks))
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
