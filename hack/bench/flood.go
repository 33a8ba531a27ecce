package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errNoTransfers = errors.New("the transfers signed beforehand are used up: allow a higher rate with -ceiling")
	errNoLane      = errors.New("no node is left to send to")
)

// bundle is how many records a lane that has room writes at a time before it
// looks for room again.
const bundle = 64

// flood keeps up to window records outstanding in each lane, in frames of batch
// records, until end. It returns early, without an error, when the transfers
// signed beforehand are used up.
func flood(ctx context.Context, end time.Time, lanes []*lane, batch, window int) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, l := range lanes {
		wg.Go(func() { errs[i] = floodLane(ctx, l, batch, window) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func floodLane(ctx context.Context, l *lane, batch, window int) error {
	for l.left() >= batch {
		if err := l.trouble(); err != nil {
			return err
		}
		room := min(window-l.outstanding(), l.left(), max(bundle, batch))
		if room < batch {
			select {
			case <-l.progress:
				continue
			case <-ctx.Done():
				return over(ctx)
			}
		}
		if err := l.sendBundle(room/batch, batch); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return over(ctx)
		}
	}
	return nil
}

// sendBundle writes several frames as one.
func (l *lane) sendBundle(frames, batch int) error {
	l.burst.Hold()
	for range frames {
		if err := l.send(batch); err != nil {
			return err
		}
	}
	return l.burst.Flush()
}

// over tells the end of the time, which is no error, from being stopped.
func over(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
