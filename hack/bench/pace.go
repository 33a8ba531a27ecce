package main

import (
	"context"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
)

// schedule says when each record of an open loop is due: at an even pace,
// whatever becomes of those before it.
type schedule struct {
	begin time.Time
	rate  int // records per second
}

func (s schedule) due(i int) time.Time {
	return s.begin.Add(time.Duration(i) * time.Second / time.Duration(s.rate))
}

// pace sends records by the schedule until end, and returns by how much it was
// late at worst. Each goes to the next lane in turn; one whose node was killed
// is passed over. The end of any other connection, and any refusal, is an error.
func pace(ctx context.Context, s schedule, end time.Time, lanes []*lane) (late time.Duration, err error) {
	turn := 0
	for i := 0; ; i++ {
		due := s.due(i)
		if !due.Before(end) {
			return late, nil
		}
		if wait := time.Until(due); wait > 0 {
			if err := machine.Sleep(ctx, wait); err != nil {
				return late, err
			}
		} else if ctx.Err() != nil {
			return late, context.Cause(ctx)
		}
		late = max(late, time.Since(due))
		if turn, err = sendOne(lanes, turn); err != nil {
			return late, err
		}
	}
}

// sendOne sends one record over the next lane that works, from turn on, and
// returns whose turn is next.
func sendOne(lanes []*lane, turn int) (int, error) {
	for range lanes {
		l := lanes[turn%len(lanes)]
		turn++
		if l.mayDie && l.broken() != nil {
			continue
		}
		if err := l.trouble(); err != nil {
			return turn, err
		}
		if l.left() == 0 {
			return turn, errNoTransfers
		}
		if err := l.send(1); err != nil && !l.mayDie {
			return turn, err
		}
		return turn, nil
	}
	return turn, errNoLane
}
