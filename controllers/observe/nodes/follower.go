package nodes

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	apitypes "k8s.io/apimachinery/pkg/types"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/settle"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// follower follows one network. All but the first block belongs to the one
// goroutine of run, which never waits: it has others ask, and they bring home what
// is then to be done.
type follower struct {
	watcher  *Watcher
	key      apitypes.NamespacedName
	wanted   Network   // guarded by watcher.mu
	snapshot *Snapshot // guarded by watcher.mu
	changed  chan struct{}

	ctx     context.Context
	stop    context.CancelFunc
	home    chan func()
	asking  sync.WaitGroup
	network Network
	nodes   []*node
	clock

	compare bool // a round has begun since blocks were last held beside each other

	voice     *node // that tells of blocks; nil: none
	news      <-chan message.Event
	joining   bool             // a voice is being asked to tell
	recent    []message.Winner // the newest last, without gaps
	overdue   uint64           // a height that the voice must have told of by the end of the round
	confirms  int
	learned   learned
	learning  bool
	settler   *settle.Settler
	settling  bool
	progress  settle.Progress
	unsettled string
}

// clock is when what is to be done. Zero: not.
type clock struct {
	confirm time.Time // whether others have the newest block
	settle  time.Time // look after changes of stake
	wake    time.Time // tell of blocks
	woken   time.Time // when that was last

	soon, now bool // there is something to tell: when it suits, or at once
}

// node is one of the network's nodes.
type node struct {
	Target
	client *client.Client
	asking bool
	gone   bool // it is followed no longer
	due    time.Time
	status *message.Status
	expected
	since   time.Time // when it began to answer
	lost    time.Time // when it ceased to
	problem string
	strange bool // the problem is that somebody else answers
	mute    bool // it did not tell of blocks when it should have
	memory  health.Memory
	working time.Time // see health.Node
	told    uint64    // likewise
	blocks  map[uint64]types.Hash
}

func newFollower(w *Watcher, key apitypes.NamespacedName, n Network) *follower {
	f := &follower{watcher: w, key: key, wanted: n, changed: make(chan struct{}, 1), home: make(chan func())}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.changed <- struct{}{}
	return f
}

func (f *follower) run() {
	defer f.end()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.changed:
			f.adopt(f.watcher.wish(f))
		case do := <-f.home:
			do()
		case e, open := <-f.news:
			f.hear(e, open)
		case <-timer.C:
		}
		now := time.Now()
		f.work(now)
		f.tell(now)
		timer.Reset(time.Until(f.next(now)))
	}
}

// end closes all connections and waits for all that was asked.
func (f *follower) end() {
	f.stop()
	for _, n := range f.nodes {
		f.drop(n)
	}
	go func() {
		f.asking.Wait()
		close(f.home)
	}()
	for do := range f.home {
		do()
	}
}

// ask runs job beside the loop, and what it returns in the loop. The job's context
// ends when it has had its time.
func (f *follower) ask(job func(context.Context) func()) {
	f.asking.Go(func() {
		select {
		case f.watcher.places <- struct{}{}:
			defer func() { <-f.watcher.places }()
		case <-f.ctx.Done(): // the job is told so
		}
		ctx, cancel := context.WithTimeout(f.ctx, answerTime)
		defer cancel()
		f.bring(job(ctx))
	})
}

// bring has the loop do something, and waits until it is done: what that begins
// has then begun before who brought it is gone, so that end waits for it too.
func (f *follower) bring(do func()) {
	done := make(chan struct{})
	f.home <- func() {
		do()
		close(done)
	}
	<-done
}

// adopt follows the network as it is wanted now. What is known of nodes that
// stay the same stays.
func (f *follower) adopt(n Network) {
	old := map[string]*node{}
	for _, one := range f.nodes {
		old[one.Name] = one
	}
	f.nodes = nil
	for _, t := range n.Targets {
		one := old[t.Name]
		if one == nil || one.Key != t.Key || one.Address != t.Address || one.Pod != t.Pod {
			one = &node{lost: time.Now()}
		} else {
			delete(old, t.Name)
		}
		one.Target = t
		f.nodes = append(f.nodes, one)
	}
	for _, one := range old {
		f.drop(one)
		f.now = true
	}
	if f.settler == nil || f.network.Authority.Public() != n.Authority.Public() {
		f.settler = settle.New(n.Authority, n.ID)
	}
	if len(n.Changes) > 0 && f.settle.IsZero() {
		f.settle = time.Now()
	}
	f.network, f.soon = n, true
}

// drop follows a node no longer.
func (f *follower) drop(n *node) {
	n.gone = true
	f.disconnect(n)
}

func (f *follower) disconnect(n *node) {
	if f.voice == n {
		f.voice, f.news = nil, nil
	}
	if c := n.client; c != nil {
		n.client = nil
		f.asking.Go(c.Close) // which may take a second
	}
}

// work begins what is due.
func (f *follower) work(now time.Time) {
	f.askDue(now)
	f.choose()
	if f.isDue(&f.confirm, now) {
		f.askOthers(now)
	}
	if f.compare && !f.isAsking() {
		f.compare = false
		f.compareBlocks()
		f.listen()
		f.learn()
	}
	if f.isDue(&f.settle, now) {
		f.stepStakes()
	}
	if f.isDue(&f.wake, now) {
		f.soon = true
	}
}

// isDue reports whether a time has come, and clears it then.
func (f *follower) isDue(at *time.Time, now time.Time) bool {
	if at.IsZero() || now.Before(*at) {
		return false
	}
	*at = time.Time{}
	return true
}

// next is when work is due again.
func (f *follower) next(now time.Time) time.Time {
	first := now.Add(time.Hour)
	for _, at := range []time.Time{f.confirm, f.settle, f.wake} {
		if !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	for _, n := range f.nodes {
		if !n.asking && n.Address != "" && n.due.Before(first) {
			first = n.due
		}
	}
	return first
}

// tell makes a snapshot of what is new. News that can wait are told at the pace of
// wakeInterval.
func (f *follower) tell(now time.Time) {
	if !f.soon && !f.now {
		return
	}
	wake := f.now || now.Sub(f.woken) >= wakeInterval
	if wake {
		f.woken, f.wake = now, time.Time{}
	} else if f.wake.IsZero() {
		f.wake = f.woken.Add(wakeInterval)
	}
	f.soon, f.now = false, false
	f.watcher.publish(f, f.look(), wake)
}

// jittered is an interval that keeps networks apart that began together.
func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5) }
