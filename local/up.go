package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/screen"
	"github.com/posnet/posnet/local/watch"
)

// View says how a run is shown.
type View int

// The views.
const (
	Screen View = iota // a live screen on a terminal
	Lines              // a line for each block
	Silent             // warnings only
)

// Run says how a network is run and when that ends.
type Run struct {
	Options
	View    View
	Out     io.Writer     // the screen or the lines
	Err     io.Writer     // warnings, where there is no screen
	Until   uint64        // end once every node that runs has this height; 0: run until stopped
	Timeout time.Duration // how long Until may take; 0: as long as it takes
	Folder  string        // the state folder as a person would call it
}

const (
	// pollInterval is how often the nodes are asked: as often as a person can
	// follow.
	pollInterval = 250 * time.Millisecond
	// manyNodes is from how many nodes on they are asked only every slowInterval.
	manyNodes    = 20
	slowInterval = time.Second
	// settleTime is how long a run that has its height waits for all its nodes to
	// be well: the status at the end is to tell how the network is, not that it
	// has just been started.
	settleTime = 3 * time.Second
	// warningQueue is how many warnings may wait to be shown; more are only in
	// the nodes' logs.
	warningQueue = 64
)

// Up runs a network until ctx ends, the person stops it, its height is reached
// or all its nodes have failed. It returns the manifest with the status at the
// end, once every node has stopped. Of a network that hibernates nothing runs.
func Up(ctx context.Context, r Run) (*v1alpha1.PosNetwork, error) {
	if r.Manifest.Spec.Hibernate {
		return asleep(r.Manifest), nil
	}
	warnings := make(chan logs.Warning, warningQueue)
	r.Warn = func(w logs.Warning) {
		select {
		case warnings <- w:
		default: // it is in the node's log
		}
	}
	started := time.Now()
	network, err := Start(ctx, r.Options)
	if err != nil {
		return nil, err
	}
	f := &follower{run: r, network: network, watcher: watch.New(started), warnings: warnings}
	f.plain = screen.NewPlain(f.about(), r.Out, r.Err)
	err = f.show(ctx) // it is told at the end: the network is stopped in any case
	last := f.watcher.Poll(context.WithoutCancel(ctx), network.Watched())
	if err == nil && r.View == Lines {
		err = f.plain.Show(last) // the blocks since
	}
	f.watcher.Close()
	out := r.Manifest.DeepCopy()
	out.Status = last.Status
	return out, errors.Join(err, network.Close())
}

// asleep is a network of which no node runs, as its manifest asks.
func asleep(m *v1alpha1.PosNetwork) *v1alpha1.PosNetwork {
	o := health.Observation{Time: time.Now(), Generation: m.Generation, Hibernated: true}
	for _, v := range plan.Validators(&m.Spec) {
		o.Nodes = append(o.Nodes, health.Node{Name: v.Name, Stake: v.Stake})
	}
	out := m.DeepCopy()
	out.Status = health.Status(o, v1alpha1.PosNetworkStatus{})
	return out
}

// follower shows a network that runs.
type follower struct {
	run      Run
	network  *Network
	watcher  *watch.Watcher
	warnings <-chan logs.Warning
	plain    *screen.Plain
	last     *watch.Snapshot
	reached  time.Time // when every node was seen at Until; zero: not yet
}

func (f *follower) about() screen.About {
	spec := &f.run.Manifest.Spec
	return screen.About{
		Network: f.run.Manifest.Name, Folder: f.run.Folder, Account: f.network.Account().String(),
		Faucet: spec.Faucet.Enabled, Guests: spec.Console.Enabled && spec.Console.Guests,
	}
}

// show shows the network in the view that was asked for until the run ends. It
// returns why, unless that was in order.
func (f *follower) show(ctx context.Context) error {
	switch f.run.View {
	case Lines:
		return f.follow(ctx, f.plain.Show, f.plain.Warn)
	case Silent:
		return f.follow(ctx, func(*watch.Snapshot) error { return nil }, f.plain.Warn)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := screen.NewLive(ctx, f.about(), f.run.Out)
	followed := make(chan error, 1)
	go func() {
		defer cancel()
		followed <- f.follow(ctx, func(s *watch.Snapshot) error { live.Show(s); return nil }, live.Warn)
	}()
	err := live.Run()
	cancel()
	return errors.Join(<-followed, err)
}

// follow shows snapshots and warnings until the run ends. It leaves blocks that
// come while it ends to whoever polls next.
func (f *follower) follow(ctx context.Context, show func(*watch.Snapshot) error, warn func(logs.Warning)) error {
	interval := pollInterval
	if len(f.network.Watched().Nodes) > manyNodes {
		interval = slowInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var timeout <-chan time.Time
	if f.run.Timeout > 0 {
		timeout = time.After(f.run.Timeout)
	}
	for poll := true; ; {
		if poll {
			s := f.watcher.Poll(ctx, f.network.Watched())
			if s == nil {
				return nil
			}
			f.last = s
			if err := show(s); err != nil {
				return fmt.Errorf("what happens cannot be shown: %w", err)
			}
			if f.over(s) {
				return nil
			}
		}
		poll = false
		select {
		case <-ctx.Done():
			return nil
		case <-f.network.Dead():
			return fmt.Errorf("every node has stopped: %w", f.network.Err())
		case <-timeout:
			if !f.reached.IsZero() {
				return nil
			}
			return f.late()
		case w := <-f.warnings:
			warn(w)
		case <-tick.C:
			poll = true
		}
	}
}

// over says whether a run has its height and the nodes have settled.
func (f *follower) over(s *watch.Snapshot) bool {
	if f.run.Until == 0 || !reached(s, f.run.Until) {
		return false
	}
	if f.reached.IsZero() {
		f.reached = time.Now()
	}
	well := s.Status.Phase == v1alpha1.PhaseRunning || s.Status.Phase == v1alpha1.PhasePaused
	return well || time.Since(f.reached) >= settleTime
}

// reached says whether every node that runs has a height.
func reached(s *watch.Snapshot, height uint64) bool {
	if s.Status.Height < int64(height) {
		return false
	}
	for _, v := range s.Status.Validators {
		if v.Online && v.Height < int64(height) {
			return false
		}
	}
	return true
}

// late says how far the chain came in the time it had.
func (f *follower) late() error {
	why := ""
	for _, c := range f.last.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady && c.Status != metav1.ConditionTrue {
			why = ": " + c.Message
		}
	}
	return fmt.Errorf("height %d was not reached within %v: the chain is at height %d%s", f.run.Until, f.run.Timeout, f.last.Status.Height, why)
}
