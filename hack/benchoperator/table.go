package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The figures that the operator is to meet with 200 networks.
const (
	memoryGoal    = 200 // MiB
	coresGoal     = 1.0
	spacingGoal   = 5 * time.Second
	reconcileGoal = 5 * time.Millisecond
)

// usage is what was used and done between two samples.
type usage struct {
	cores      float64
	peak       int64 // bytes; of the whole life
	resident   int64 // bytes; at the end
	statuses   float64
	objects    float64
	reconciles uint64
	mean       time.Duration
	within     float64 // the share of reconciles that took reconcileGoal at most, 0 to 1
}

func (s sample) since(from sample) usage {
	u := usage{
		cores: float64(s.processor-from.processor) / float64(s.time.Sub(from.time)),
		peak:  s.peak, resident: s.resident, statuses: s.statuses - from.statuses, objects: s.objects - from.objects,
		reconciles: s.reconciles.GetSampleCount() - from.reconciles.GetSampleCount(),
	}
	if u.reconciles > 0 {
		u.mean = time.Duration((s.reconciles.GetSampleSum() - from.reconciles.GetSampleSum()) / float64(u.reconciles) * float64(time.Second))
		u.within = float64(upTo(s.reconciles, reconcileGoal)-upTo(from.reconciles, reconcileGoal)) / float64(u.reconciles)
	}
	return u
}

// upTo counts what a histogram has in buckets up to a bound.
func upTo(h *dto.Histogram, bound time.Duration) (count uint64) {
	for _, b := range h.GetBucket() {
		if b.GetUpperBound() <= bound.Seconds() {
			count = b.GetCumulativeCount()
		}
	}
	return count
}

type table struct {
	options
	birth  time.Duration
	busy   usage
	writes spacing
	idle   usage
}

func (t *table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the operator with %d networks of %d validators, a block a second each, on %d cores (%s)\n\n", t.networks, validators, runtime.NumCPU(), runtime.Version())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(what, measured, goal string, met bool, details string, args ...any) {
		said := "NO"
		if met {
			said = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", what, measured, goal, said, fmt.Sprintf(details, args...))
	}
	fmt.Fprintln(w, "what\tmeasured\tgoal\tmet\tdetails")
	row("peak memory", mebibytes(t.busy.peak), fmt.Sprintf("< %d MiB", memoryGoal), t.busy.peak < memoryGoal<<20, "%s at the end", mebibytes(t.busy.resident))
	row("processor", fmt.Sprintf("%.2f cores", t.busy.cores), fmt.Sprintf("< %.0f core", coresGoal), t.busy.cores < coresGoal,
		"%.0f reconciles and %.0f status writes a second", float64(t.busy.reconciles)/t.span.Seconds(), t.busy.statuses/t.span.Seconds())
	row("between two writes of one status", t.writes.least.Round(10*time.Millisecond).String(), ">= "+spacingGoal.String(), t.writes.least >= spacingGoal-slack,
		"the least as a watcher sees it; median %v of %d; the newest block is %v old by then", t.writes.median.Round(10*time.Millisecond), t.writes.count, t.writes.behind.Round(100*time.Millisecond))
	row("reconcile that changes nothing", t.idle.mean.Round(10*time.Microsecond).String(), "< "+reconcileGoal.String(), t.idle.mean < reconcileGoal,
		"the mean of %d; %.1f %% took %v at most", t.idle.reconciles, 100*t.idle.within, reconcileGoal)
	row("writes by these", fmt.Sprint(t.idle.statuses+t.idle.objects), "0", t.idle.statuses+t.idle.objects == 0, "%.0f of statuses, %.0f of objects", t.idle.statuses, t.idle.objects)
	_ = w.Flush() // into memory
	fmt.Fprintf(&b, "\nall networks were ready %v after the first was created\n", t.birth.Round(time.Second))
	return b.String()
}

// slack is by how much a watcher may see two writes closer than they were sent.
const slack = 250 * time.Millisecond

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
