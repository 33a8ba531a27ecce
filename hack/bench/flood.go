package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
)

var (
	errNoTransfers = errors.New("the transfers signed beforehand are used up: allow a higher rate with -ceiling")
	errNoLane      = errors.New("no node is left to send to")
)

// bundle is how many records a lane that has room writes at a time before it
// looks for room again.
const bundle = 64

// afterRefusal is how long a lane waits after a refusal before it sends on: about
// as long as a small block takes.
const afterRefusal = 10 * time.Millisecond

// flood keeps up to window records outstanding in each lane, in frames of batch
// records, until end. It returns early, without an error, when the transfers
// signed beforehand are used up.
func flood(ctx context.Context, end time.Time, lanes []*lane, batch, window int) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, l := range lanes {
		if l.insist != nil {
			wg.Go(func() { errs[i] = l.floodOn(ctx, window) })
			continue
		}
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

// floodOn is floodLane for a lane that insists.
func (l *lane) floodOn(ctx context.Context, window int) error {
	batch, refused := l.insist.batch, 0
	for {
		if err := l.broken(); err != nil {
			return err
		}
		if now := l.insist.refusedSoFar(); now > refused {
			refused = now
			if machine.Sleep(ctx, afterRefusal) != nil {
				return over(ctx)
			}
		}
		room := min(window-l.insist.open()+int(l.committed.Load()), max(bundle, batch))
		if room < batch {
			select {
			case <-l.progress:
				continue
			case <-ctx.Done():
				return over(ctx)
			}
		}
		if more, err := l.insistBundle(room / batch); err != nil || !more {
			return err
		}
		if ctx.Err() != nil {
			return over(ctx)
		}
	}
}

// insistBundle writes several frames as one; it returns false when there are no
// more.
func (l *lane) insistBundle(frames int) (more bool, err error) {
	l.burst.Hold()
	for range frames {
		frame, ok := l.insist.next(true)
		if !ok {
			return false, l.burst.Flush()
		}
		if err := l.sendFrame(frame); err != nil {
			return true, err
		}
	}
	return true, l.burst.Flush()
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
