package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/table"
)

const nodeCount = 4

// victim is the node that is killed where one is. The subscriber is at node 0.
const victim = nodeCount - 1

// rig is a running chain with a loader at it.
type rig struct {
	dir        string
	keep       bool // the folder, when the run is over
	nodes      nodes.All
	lanes      []*lane
	subscriber *subscriber
	killed     *nodes.Process
	rests      bool // there are no blocks without records
}

// load is what a run sends, and what it is about.
type load struct {
	perLane   int           // records that each lane may send
	killAfter time.Duration // when the victim is killed, in what is measured; 0: never
	insist    int           // records a frame where refused ones are sent again; 0: a refusal fails the run
	how       drive
}

// open starts a new chain and connects a loader. Close it, whatever comes.
func (b *bench) open(ctx context.Context, w load, mayDie bool) (r *rig, err error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	r = &rig{dir: dir, keep: b.options.keep, rests: b.system.rests()}
	if r.nodes, err = b.system.write(ctx, dir, mayDie); err != nil {
		return r, err
	}
	if err := nodes.StartAll(ctx, r.nodes); err != nil {
		return r, err
	}
	for i, p := range r.nodes {
		var insist *insistence
		if w.insist > 0 {
			insist = newInsistence(w.perLane, b.accounts.perLane(), w.insist)
		}
		l, err := openLane(ctx, p, b.system, b.work.lanes[i], w.perLane, insist)
		if err != nil {
			return r, err
		}
		l.mayDie = mayDie && i == victim
		r.lanes = append(r.lanes, l)
	}
	r.subscriber, err = subscribe(ctx, r.nodes[0], b.system, b.accounts, r.lanes)
	return r, err
}

func (r *rig) close() {
	if r == nil {
		return
	}
	for _, l := range r.lanes {
		l.close()
	}
	if r.subscriber != nil {
		r.subscriber.close()
	}
	r.nodes.Stop()
	if !r.keep {
		_ = os.RemoveAll(r.dir) // what is left goes with the folder around it
	}
}

// kill ends the victim at once.
func (r *rig) kill() error {
	r.killed = r.nodes[victim]
	return r.killed.Kill()
}

func (r *rig) living() []*nodes.Process {
	var out []*nodes.Process
	for _, p := range r.nodes {
		if p != r.killed {
			out = append(out, p)
		}
	}
	return out
}

// trouble is what makes the run worthless, or nil.
func (r *rig) trouble() error {
	for _, p := range r.living() {
		if err := p.Died(); err != nil {
			return err
		}
	}
	for _, l := range r.lanes {
		if err := l.trouble(); err != nil && !l.mayDie {
			return err
		}
	}
	return r.subscriber.trouble()
}

// outcome is one run as it was measured.
type outcome struct {
	begin, end time.Time // of what is measured
	cores      machine.Cores
	commits    []commit
	latencies  []time.Duration
	sent       int           // records in the span
	late       time.Duration // by how much the loader was behind its schedule at worst
	killed     time.Time
	unseen     int     // records that the killed node took with it
	peaks      []int64 // bytes, by node; none where one was killed
	refusals   refusals
}

// counts says whether nothing else disturbed the run.
func (o outcome) counts() bool {
	return o.cores.Foreign <= machine.MaxForeign && o.late <= table.MaxLate
}

// drive is how records are sent: until end, and not before now.
type drive func(ctx context.Context, lanes []*lane, begin, end time.Time) (late time.Duration, err error)

// run measures one run on a new chain: warm up, measure, drain, verify.
func (b *bench) run(ctx context.Context, w load) (o outcome, err error) {
	if err := b.work.grow(w.perLane); err != nil {
		return o, err
	}
	r, err := b.open(ctx, w, w.killAfter > 0)
	defer r.close()
	if err != nil {
		return o, err
	}
	start := time.Now()
	o.begin = start.Add(b.options.warm)
	o.end = o.begin.Add(b.options.span)
	sent := make(chan error, 1)
	go func() {
		var err error
		o.late, err = w.how(ctx, r.lanes, start, o.end)
		o.end = time.Now()
		sent <- err
	}()
	clock, err := r.clockAt(ctx, o.begin)
	if err == nil && w.killAfter > 0 {
		if err = machine.Sleep(ctx, time.Until(o.begin.Add(w.killAfter))); err == nil {
			o.killed = time.Now()
			err = r.kill()
		}
	}
	if sendErr := <-sent; sendErr != nil || err != nil {
		return o, r.explain(sendErr, err)
	}
	if err := b.finish(ctx, r, clock, &o); err != nil {
		return o, err
	}
	return o, nil
}

// clockAt reads the clocks at a moment to come.
func (r *rig) clockAt(ctx context.Context, at time.Time) (machine.Clock, error) {
	if err := machine.Sleep(ctx, time.Until(at)); err != nil {
		return machine.Clock{}, err
	}
	return machine.ReadClock(r.nodes.Time)
}

// explain prefers a node's own last words to what followed from its death.
func (r *rig) explain(sendErr, err error) error {
	if t := r.trouble(); t != nil {
		return t
	}
	if sendErr != nil {
		return sendErr
	}
	return err
}

// finish takes the figures, drains and verifies.
func (b *bench) finish(ctx context.Context, r *rig, from machine.Clock, o *outcome) error {
	to, err := machine.ReadClock(r.nodes.Time)
	if err != nil {
		return err
	}
	o.cores = from.Until(to)
	if err := r.drain(ctx); err != nil {
		return err
	}
	if r.killed == nil {
		if o.peaks, err = r.nodes.Peaks(); err != nil {
			return err
		}
	}
	o.commits = r.subscriber.close()
	if err := r.verify(ctx, b.accounts); err != nil {
		return fmt.Errorf("the run does not hold: %w", err)
	}
	o.refusals = refusals{}
	for _, l := range r.lanes {
		o.take(l)
	}
	return nil
}

// take adds the latencies of a lane's records that were sent in the span.
func (o *outcome) take(l *lane) {
	if l.insist != nil {
		for kind, n := range l.insist.told() {
			o.refusals[kind] += n
		}
	}
	for k, sent := range l.sent {
		if sent.Before(o.begin) || !sent.Before(o.end) {
			continue
		}
		o.sent++
		if l.done[k].IsZero() {
			o.unseen++
			continue
		}
		o.latencies = append(o.latencies, l.done[k].Sub(sent))
	}
}
