package linear_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/posnet/posnet/test/processes"
)

// trouble befalls the network for a while.
type trouble struct {
	name  string
	begin func(n *network, victims, others []*processes.Process)
	end   func(n *network, victims []*processes.Process)
}

// troubles is all kinds of them.
var troubles = []trouble{
	{"killed", (*network).kill, (*network).start},
	{"stopped", func(n *network, victims, _ []*processes.Process) { n.signal(syscall.SIGSTOP, victims) }, func(n *network, victims []*processes.Process) { n.signal(syscall.SIGCONT, victims) }},
	{"cut off", func(n *network, victims, others []*processes.Process) { n.cables.Cut(victims, others) }, mend},
	{"not heard", func(n *network, victims, others []*processes.Process) { n.cables.Hush(victims, others) }, mend},
	{"cut off and killed", func(n *network, victims, others []*processes.Process) {
		n.cables.Cut(victims, others)
		n.kill(victims, nil)
		n.start(victims) // it comes back with what it has, and nobody tells it more
	}, mend},
}

func mend(n *network, _ []*processes.Process) { n.cables.Mend() }

// longest is how long a trouble lasts at most; longer than a link waits to hear
// from its peer.
const longest = 5 * time.Second

// befall draws a trouble and its victims: one node, which the others can do
// without, or two, without which nothing is committed.
func (n *network) befall() {
	n.t.Helper()
	nodes := slices.Clone(n.Nodes)
	n.random.Shuffle(len(nodes), func(i, k int) { nodes[i], nodes[k] = nodes[k], nodes[i] })
	count := 1 + n.random.IntN(2)
	victims, others := nodes[:count], nodes[count:]
	x := troubles[n.random.IntN(len(troubles))]
	lasts := time.Duration(n.random.Int64N(int64(time.Second)))
	if n.random.IntN(16) == 0 {
		lasts = longest
	}
	for _, p := range victims {
		n.t.Logf("%6.1f s: %s is %s for %v", time.Since(n.crowd.history.began).Seconds(), p.Name, x.name, lasts.Round(time.Millisecond))
	}
	x.begin(n, victims, others)
	time.Sleep(lasts) // what is waited for is that time passes
	x.end(n, victims)
}

// kill ends nodes at once.
func (n *network) kill(victims, _ []*processes.Process) {
	n.t.Helper()
	errs := make([]error, len(victims))
	var wg sync.WaitGroup
	for i, p := range victims {
		wg.Go(func() { errs[i] = p.Kill() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Fatal(err)
	}
}

func (n *network) start(victims []*processes.Process) {
	n.t.Helper()
	for _, p := range victims {
		if err := p.Start(); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) signal(s syscall.Signal, victims []*processes.Process) {
	n.t.Helper()
	for _, p := range victims {
		if err := p.Signal(s); err != nil {
			n.t.Fatal(err)
		}
	}
}
