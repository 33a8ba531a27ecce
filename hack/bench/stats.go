package main

import (
	"math"
	"slices"
	"time"

	"github.com/posnet/posnet/hack/bench/table"
)

// quantile returns the smallest of sorted values that a share p of them does not
// exceed (the nearest rank); 0 of none.
func quantile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spreadOf is how values are spread.
func spreadOf(values []time.Duration) table.Spread {
	sorted := slices.Sorted(slices.Values(values))
	return table.Spread{Median: ms(quantile(sorted, 0.5)), P90: ms(quantile(sorted, 0.9)), P99: ms(quantile(sorted, 0.99)), Max: ms(quantile(sorted, 1))}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// commit is one block as the subscriber saw it come.
type commit struct {
	at      time.Time
	height  uint64
	round   uint32
	records int
}

// within returns the commits from begin on and before end.
func within(commits []commit, begin, end time.Time) []commit {
	var out []commit
	for _, c := range commits {
		if !c.at.Before(begin) && c.at.Before(end) {
			out = append(out, c)
		}
	}
	return out
}

// perSecond is the records committed per second. It counts from one commit to
// another, so that it does not matter where in a block the clock was started.
func perSecond(commits []commit) float64 {
	if len(commits) < 2 {
		return 0
	}
	records := 0
	for _, c := range commits[1:] {
		records += c.records
	}
	return float64(records) / commits[len(commits)-1].at.Sub(commits[0].at).Seconds()
}

// longestPause is the longest time between two commits that ended after begin;
// the time from the last commit to end is a pause too.
func longestPause(commits []commit, begin, end time.Time) time.Duration {
	var longest time.Duration
	last := begin
	for _, c := range commits {
		if c.at.After(end) {
			break
		}
		if c.at.After(begin) {
			longest = max(longest, c.at.Sub(last))
		}
		last = c.at
	}
	return max(longest, end.Sub(last))
}
