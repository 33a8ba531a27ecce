package verify

import (
	"context"
	"sync"
)

// ahead is how many pieces of work each core may be ahead of what comes after
// it: enough that none waits, and few enough that memory is bounded by some
// blocks of eight megabytes for each core.
const ahead = 2

// inOrder does work on all that comes in, on several goroutines, and gives the
// results in the order of what came in. All of it ends with the context, and busy is
// done when it has; the results end when what comes in does.
func inOrder[In, Out any](ctx context.Context, busy *sync.WaitGroup, workers int, in <-chan In, work func(In) Out) <-chan Out {
	places := make(chan chan Out, ahead*workers)
	out := make(chan Out)
	slots := make(chan struct{}, workers)
	busy.Go(func() {
		defer close(places)
		for item := range in {
			place := make(chan Out, 1)
			select {
			case places <- place:
			case <-ctx.Done():
				return
			}
			slots <- struct{}{}
			busy.Go(func() {
				place <- work(item)
				<-slots
			})
		}
	})
	busy.Go(func() {
		defer close(out)
		for place := range places {
			select {
			case out <- <-place:
			case <-ctx.Done():
				return
			}
		}
	})
	return out
}
