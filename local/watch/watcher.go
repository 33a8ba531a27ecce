package watch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// answerTimeout is how long a node may take over all its answers before it
// counts as offline: they take milliseconds.
const answerTimeout = 2 * time.Second

// Network is what to follow, and how it is meant to be.
type Network struct {
	Nodes      []Node // those departing last
	Generation int64
	Paused     bool
	Changing   string        // what is being brought to what the spec says; empty: nothing
	Patience   time.Duration // how long a block may be worked at, see health.Patience
}

// Watcher asks the nodes of a network, over one connection to each. Poll is
// called by one goroutine at a time.
type Watcher struct {
	since    types.Time // of the run: older blocks are no news
	status   v1alpha1.PosNetworkStatus
	reported uint64 // the newest height told as news
	clients  map[string]*client.Client
	memories map[string]*health.Memory
}

// New returns a watcher to which blocks since a time are news.
func New(since time.Time) *Watcher {
	return &Watcher{since: types.TimeOf(since), clients: map[string]*client.Client{}, memories: map[string]*health.Memory{}}
}

// Close ends the connections.
func (w *Watcher) Close() {
	for _, c := range w.clients {
		c.Close()
	}
	clear(w.clients)
}

// Poll asks every node once, and returns what they answered and what it means.
// A node that does not answer is offline; that is no error. It returns nil if
// the context ended before all had their time.
func (w *Watcher) Poll(whole context.Context, n Network) *Snapshot {
	ctx, cancel := context.WithTimeout(whole, answerTimeout)
	defer cancel()
	w.connect(ctx, n.Nodes)
	o := health.Observation{
		Generation: n.Generation, Paused: n.Paused, Changing: n.Changing, Patience: n.Patience,
		Nodes: w.ask(ctx, n.Nodes), Endpoints: endpoints(n.Nodes),
	}
	o.Time = time.Now()
	w.remember(&o)
	head := health.Head(o, w.status)
	if head != nil {
		w.askHead(ctx, w.clients[head.Name], &o)
	}
	if whole.Err() != nil {
		return nil
	}
	w.status = health.Status(o, w.status)
	s := &Snapshot{Time: o.Time, Nodes: n.Nodes, Status: w.status}
	if head == nil {
		return s
	}
	s.New = w.news(head)
	s.Round, s.Step, s.Guests = head.Status.Round, head.Status.Step, head.Status.Guests
	s.Pool = message.PoolSize{Records: head.Status.PoolSize, Bytes: head.Status.PoolBytes}
	s.Records = head.Status.Totals.Records
	s.Shares, s.Others = shares(o.Validators, o.Fairness, head.Status.Height)
	return s
}

// connect keeps one connection to each of the nodes.
func (w *Watcher) connect(ctx context.Context, nodes []Node) {
	wanted := map[string]bool{}
	var missing []Node
	for _, n := range nodes {
		wanted[n.Name] = true
		if c := w.clients[n.Name]; c == nil || c.Err() != nil {
			missing = append(missing, n)
		}
	}
	for name, c := range w.clients {
		if !wanted[name] || c.Err() != nil {
			c.Close()
			delete(w.clients, name)
		}
	}
	fresh := make([]*client.Client, len(missing))
	each(len(missing), func(i int) {
		c, err := client.Dial(ctx, missing[i].URL(), client.Options{})
		if err == nil { // else it is offline, as the snapshot will say
			fresh[i] = c
		}
	})
	for i, c := range fresh {
		if c != nil {
			w.clients[missing[i].Name] = c
		}
	}
}

// each runs f for 0 to n-1 at once and waits.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func (w *Watcher) ask(ctx context.Context, nodes []Node) []health.Node {
	out := make([]health.Node, len(nodes))
	each(len(nodes), func(i int) {
		n := nodes[i]
		out[i] = health.Node{Name: n.Name, Address: n.API, Stake: n.Stake}
		c := w.clients[n.Name]
		if c == nil {
			return
		}
		status, err := c.Status(ctx)
		if err != nil {
			return
		}
		winners, err := c.Winners(ctx, w.wanted(status.Height))
		if err != nil {
			return
		}
		// Blocks committed between the two answers are left for the next time.
		winners = slices.DeleteFunc(winners, func(w message.Winner) bool { return w.Height > status.Height })
		out[i].Status, out[i].Winners = &status, winners
	})
	return out
}

// wanted is how many winners to ask a node at a height for: those that are not
// told yet, and enough for the status. Polls are so frequent that there are
// never more than an answer holds, save on the first of a long chain: there all
// that are news are among the newest.
func (w *Watcher) wanted(height uint64) int {
	untold := min(height-min(w.reported, height), message.MaxWinners)
	return max(int(untold), v1alpha1.MaxWinners)
}

// remember completes the answers by what the nodes said before.
func (w *Watcher) remember(o *health.Observation) {
	for i := range o.Nodes {
		n := &o.Nodes[i]
		if w.memories[n.Name] == nil {
			w.memories[n.Name] = &health.Memory{}
		}
		w.memories[n.Name].Note(n, o.Time)
	}
}

// askHead asks the node whose height is believed for what one node can say of all. If it
// cannot say it now, that stays as it was.
func (w *Watcher) askHead(ctx context.Context, c *client.Client, o *health.Observation) {
	validators, err := c.Validators(ctx, 0)
	if err != nil {
		return
	}
	fairness, err := c.Fairness(ctx)
	if err != nil {
		return
	}
	evidence, err := c.Evidence(ctx)
	if err != nil {
		return
	}
	o.Validators, o.Fairness, o.Evidence = &validators, &fairness, evidence
}

// news are the blocks that were not told yet, the oldest first.
func (w *Watcher) news(head *health.Node) []message.Winner {
	var out []message.Winner
	for _, one := range slices.Backward(head.Winners) {
		fresh := w.reported > 0 || types.Time(one.Time) >= w.since
		if one.Height > w.reported && fresh {
			out = append(out, one)
		}
	}
	w.reported = max(w.reported, head.Status.Height)
	return out
}

func endpoints(nodes []Node) v1alpha1.Endpoints {
	var e v1alpha1.Endpoints
	for _, n := range nodes {
		if e.API == "" {
			e.API = n.URL()
		}
		if e.Console == "" {
			e.Console = n.Console
		}
	}
	return e
}
