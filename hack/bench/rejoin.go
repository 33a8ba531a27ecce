package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
)

const (
	// defaultRejoinRate is how many records per second the chain goes on with while
	// a node is down and while it catches up.
	defaultRejoinRate = 1000
	// defaultMissed is how many blocks the chain goes on by while a node is down: as
	// many as when another program's restart was first measured.
	defaultMissed = 231
	// rejoinPatience is how long the chain may take to be that far ahead, and the
	// node to be back: several times what is to be expected.
	rejoinPatience = time.Minute
	// rejoinPoll is how often nodes are asked how far they are: much shorter than
	// all that is measured so.
	rejoinPoll = 5 * time.Millisecond
)

// rejoining is a run in which the victim is killed and comes back, under load.
type rejoining struct {
	fill   time.Duration // how long the chain is filled at its fastest before that
	behind uint64        // how many blocks the others go on by before it comes back
	empty  bool          // it comes back without its data
	// back waits until the victim is back.
	back func(ctx context.Context, r *rig) error
}

// rejoined is how such a run went.
type rejoined struct {
	outcome
	took    time.Duration // from the start of the victim's process until it was back
	blocks  uint64        // that it lacked when it was started
	records uint64        // that it had when it was back
	used    time.Duration // processor time of its process by then
}

// fillWindow is how many records are outstanding while a chain is filled: so few
// that no node refuses any.
const fillWindow = 1_400

// errBack ends the load.
var errBack = errors.New("the node is back")

// rejoin makes one run on a new chain.
func (b *bench) rejoin(ctx context.Context, how rejoining) (o rejoined, err error) {
	window := fillWindow / nodeCount
	perLane := b.options.ceiling*int(how.fill/time.Second)/nodeCount + window + b.rejoinRate*int(2*rejoinPatience/time.Second)/(nodeCount-1)
	if err := b.work.grow(perLane); err != nil {
		return o, err
	}
	r, err := b.open(ctx, load{perLane: perLane}, true)
	defer r.close()
	if err != nil {
		return o, err
	}
	if how.fill > 0 {
		if err := flood(ctx, time.Now().Add(how.fill), r.lanes, b.batch(), window); err != nil {
			return o, r.explain(err, nil)
		}
	}
	loading, stop := context.WithCancelCause(ctx)
	loaded := make(chan error, 1)
	go func() {
		var err error
		o.late, err = pace(loading, schedule{time.Now(), b.rejoinRate}, time.Now().Add(2*rejoinPatience), r.lanes)
		loaded <- err
	}()
	err = b.comeBack(ctx, r, how, &o)
	stop(errBack)
	if loadErr := <-loaded; err != nil || !errors.Is(loadErr, errBack) {
		return o, r.explain(err, loadErr)
	}
	if err := r.drain(ctx); err != nil {
		return o, err
	}
	r.subscriber.close()
	if err := r.verify(ctx, b.accounts); err != nil {
		return o, fmt.Errorf("the run does not hold: %w", err)
	}
	return o, nil
}

// comeBack kills the victim, lets the chain go on, starts it and waits for it.
func (b *bench) comeBack(ctx context.Context, r *rig, how rejoining, o *rejoined) error {
	if err := machine.Sleep(ctx, time.Second); err != nil { // the load is even by then
		return err
	}
	if err := r.kill(); err != nil {
		return err
	}
	has, _ := r.subscriber.head()
	if err := r.growTo(ctx, has+how.behind); err != nil {
		return err
	}
	if how.empty {
		has = 0
		if err := b.system.wipe(r.killed); err != nil {
			return err
		}
	}
	from, err := machine.ReadClock(r.nodes.Time)
	if err != nil {
		return err
	}
	head, _ := r.subscriber.head()
	o.blocks, o.begin = head-has, time.Now()
	if err := r.revive(); err != nil {
		return err
	}
	if err := how.back(ctx, r); err != nil {
		return err
	}
	o.end = time.Now()
	o.took = o.end.Sub(o.begin)
	to, err := machine.ReadClock(r.nodes.Time)
	if err != nil {
		return err
	}
	o.cores = from.Until(to)
	if o.used, err = machine.ProcessTime(r.nodes[victim].PID()); err != nil {
		return err
	}
	if o.peaks, err = r.nodes[victim:].Peaks(); err != nil {
		return err
	}
	c, err := r.nodes[victim].Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	o.records, err = c.Records(ctx)
	return err
}

// growTo waits until the chain has a height.
func (r *rig) growTo(ctx context.Context, height uint64) error {
	for end := time.Now().Add(rejoinPatience); ; {
		head, _ := r.subscriber.head()
		if head >= height {
			return nil
		}
		if err := r.trouble(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("without node %s the chain is at height %d after %v, and not at %d", r.nodes[victim].Name, head, rejoinPatience, height)
		}
		if err := machine.Sleep(ctx, rejoinPoll); err != nil {
			return err
		}
	}
}

// revive starts the killed node again.
func (r *rig) revive() error {
	p := r.killed
	r.killed = nil
	return p.Start()
}

// caughtUp waits until the victim has all blocks but the newest, which is on its way.
func caughtUp(ctx context.Context, r *rig) error {
	ctx, cancel := context.WithTimeout(ctx, rejoinPatience)
	defer cancel()
	p := r.nodes[victim]
	c, err := dial(ctx, p)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		has, err := c.Height(ctx)
		if err != nil {
			return err
		}
		if head, _ := r.subscriber.head(); has+1 >= head {
			return nil
		}
		if err := machine.Sleep(ctx, rejoinPoll); err != nil {
			return fmt.Errorf("node %s is at height %d after %v: %w", p.Name, has, rejoinPatience, err)
		}
	}
}

// votes waits until a block is certified with the victim's vote among others.
func votes(ctx context.Context, r *rig) error {
	ctx, cancel := context.WithTimeout(ctx, rejoinPatience)
	defer cancel()
	c, err := dial(ctx, r.subscriber.node)
	if err != nil {
		return err
	}
	defer c.Close()
	for height, _ := r.subscriber.head(); ; height++ {
		if err := r.growTo(ctx, height); err != nil {
			return err
		}
		if voted, err := c.Voted(ctx, height, victim); voted || err != nil {
			return err
		}
	}
}

// dial connects to a node that may still be starting.
func dial(ctx context.Context, p *nodes.Process) (nodes.Asker, error) {
	for {
		c, err := p.Dial(ctx)
		if err == nil {
			if _, err = c.Height(ctx); err == nil {
				return c, nil
			}
			c.Close()
		}
		if err := p.Died(); err != nil {
			return nil, err
		}
		if sleepErr := machine.Sleep(ctx, rejoinPoll); sleepErr != nil {
			return nil, errors.Join(err, sleepErr)
		}
	}
}
