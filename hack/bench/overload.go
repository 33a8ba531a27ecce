package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/table"
)

const (
	// overloadFactor is how many times the saturating load is offered.
	overloadFactor = 2
	// mendPatience is how long, after the load, records that were refused may take
	// to be accepted.
	mendPatience = 30 * time.Second
	// mendPause is between two of them after a flood.
	mendPause = time.Millisecond
)

// overload offers more than the nodes can commit. What is refused is offered
// again in the place of something new, as clients do whose next record needs the
// one before it.
func overload(ctx context.Context, b *bench) ([]Row, error) {
	full, err := b.saturatedRun(ctx)
	if err != nil {
		return nil, err
	}
	best := perSecond(within(full.commits, full.begin, full.end))
	rate := max(nodeCount, int(overloadFactor*best))
	row := Row{Name: "overload", What: "twice the saturating load: committed, of what saturates", Unit: "%", Limit: overloadLimit}
	o, err := b.quietly(ctx, row.What, func() (outcome, error) { return b.overloaded(ctx, rate) })
	if err != nil {
		return nil, err
	}
	s := spreadOf(o.latencies)
	row.Value, row.Spread = 100*perSecond(within(o.commits, o.begin, o.end))/max(1, best), &s
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = fmt.Sprintf("%s a second offered; all that was accepted is committed; frames refused: %v", table.Thousands(rate), o.refusals)
	p99 := row
	p99.What, p99.Value, p99.Unit, p99.Limit, p99.AtMost = "twice the saturating load: p99 of the accepted", s.P99, "ms", overloadP99Limit, true
	p99.Details = fmt.Sprintf("p50 %.0f, max %.0f ms; peak memory %s MiB", s.Median, s.Max, mebibytes(o.peaks))
	return []Row{row, p99}, nil
}

// overloaded is one run of it.
func (b *bench) overloaded(ctx context.Context, rate int) (outcome, error) {
	batch := b.batch()
	seconds := int((b.options.warm+b.options.span)/time.Second + 1)
	perLane := (b.perLane() + rate*seconds/nodeCount) / batch * batch
	return b.run(ctx, load{perLane: perLane, insist: batch, how: func(ctx context.Context, lanes []*lane, begin, end time.Time) (time.Duration, error) {
		return 0, insistAll(ctx, lanes, schedule{begin, max(1, rate/len(lanes))}, end)
	}})
}

// divisorUpTo returns the largest divisor of n that is not above limit.
func divisorUpTo(n, limit int) int {
	for n%limit != 0 {
		limit--
	}
	return limit
}

// insistAll sends records in every lane by a schedule until end, and then until
// none that was refused is left.
func insistAll(ctx context.Context, lanes []*lane, s schedule, end time.Time) error {
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, l := range lanes {
		wg.Go(func() { errs[i] = l.insistOn(ctx, s, end) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// mendAll sends what was refused in all lanes until nothing is left of it.
func mendAll(ctx context.Context, lanes []*lane, end time.Time) error {
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, l := range lanes {
		wg.Go(func() { errs[i] = l.mend(ctx, end, mendPause) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// insistOn writes as many frames at a time as a lane of the saturating load does:
// what the two runs differ in is how much is offered, and not how.
func (l *lane) insistOn(ctx context.Context, s schedule, end time.Time) error {
	batch := l.insist.batch
	frames := max(bundle, batch) / batch
	for i := 0; s.due(i).Before(end); i += frames * batch {
		if err := machine.Sleep(ctx, time.Until(s.due(i))); err != nil {
			return err
		}
		if err := l.broken(); err != nil {
			return err
		}
		if more, err := l.insistBundle(frames); err != nil {
			return err
		} else if !more {
			return errNoTransfers
		}
	}
	return l.mend(ctx, end, overloadFactor*time.Second*time.Duration(batch)/time.Duration(s.rate))
}

// mend sends what was refused until nothing is left of it, a frame a pause.
func (l *lane) mend(ctx context.Context, end time.Time, pause time.Duration) error {
	for patience := end.Add(mendPatience); l.insist.unaccepted() > 0; {
		if time.Now().After(patience) {
			return fmt.Errorf("node %s has not accepted %d records within %v after the load", l.node, l.insist.unaccepted(), mendPatience)
		}
		if frame, ok := l.insist.next(false); ok {
			if err := l.sendFrame(frame); err != nil {
				return err
			}
		}
		if err := machine.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) sendFrame(frame int) error {
	if err := l.broken(); err != nil {
		return err
	}
	return l.write(frame*l.insist.batch, l.insist.batch)
}
