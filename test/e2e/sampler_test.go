//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
)

const (
	// sampleInterval is far below the time that a pod takes to start.
	sampleInterval = 250 * time.Millisecond
	// answerPatience is how long an answer may take. None in that time says that the
	// machine is busy, and nothing of the node: a pod that stops, starts or is gone
	// is told of at once.
	answerPatience = 5 * time.Second
	// minSamples is how many must have been taken for the worst to mean something.
	minSamples = 10
)

// sampler asks all nodes of a network, again and again, whether they are caught up.
type sampler struct {
	stop context.CancelFunc
	done chan struct{}

	total, least uint64 // stake; least is that of the worst sample
	down         string // who was down in it
	samples      int
	unanswered   int // samples that were given up
}

// sample starts to sample a network.
func (n *network) sample(t *testing.T) *sampler {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &sampler{stop: stop, done: make(chan struct{})}
	validators := plan.Validators(&n.get(t).Spec)
	for _, v := range validators {
		s.total += v.Stake
	}
	s.least = s.total
	go func() {
		defer close(s.done)
		for tick := time.NewTicker(sampleInterval); ctx.Err() == nil; {
			s.take(ctx, n, validators)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(s.end)
	return s
}

// take takes one sample.
func (s *sampler) take(ctx context.Context, n *network, validators []plan.Validator) {
	asking, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	up := make([]bool, len(validators))
	var wg sync.WaitGroup
	for i, v := range validators {
		wg.Go(func() { up[i] = n.caughtUp(asking, v.Name) })
	}
	wg.Wait()
	if asking.Err() != nil {
		s.unanswered++
		return
	}
	online, down := uint64(0), ""
	for i, v := range validators {
		if up[i] {
			online += v.Stake
		} else {
			down += " " + v.Name
		}
	}
	s.samples++
	if online < s.least {
		s.least, s.down = online, down
	}
}

// caughtUp asks a validator's node whether it is ready.
func (n *network) caughtUp(ctx context.Context, validator string) bool {
	path := podPath(n.key.Namespace, kube.PodName(n.key.Name, validator), strconv.Itoa(kube.PortAPI)) + "/readyz"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.proxy+path, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (s *sampler) end() {
	s.stop()
	<-s.done
}

// keptQuorum ends the sampling, and checks that the online stake was above 2/3 all
// the while.
func (s *sampler) keptQuorum(t *testing.T) {
	t.Helper()
	s.end()
	t.Logf("of a stake of %d at least %d was online, in %d samples; %d more had no answer", s.total, s.least, s.samples, s.unanswered)
	if s.samples < minSamples {
		t.Errorf("%d samples are too few to tell, at least %d are wanted", s.samples, minSamples)
	}
	if 3*s.least <= 2*s.total {
		t.Errorf("the online stake was at 2/3 or below: %d of %d, without%s", s.least, s.total, s.down)
	}
}
