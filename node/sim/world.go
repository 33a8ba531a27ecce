package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// World is one run of a scenario.
type World struct {
	*Scenario
	clock
	rng   *rand.Rand
	trace *trace
	net   *network
	nodes []*node
	check *checker
	keys  *keyring

	bodies  map[types.Hash]*block          // what pools would hold
	made    map[uint64][]*block            // the same, by height and in order
	hidden  map[types.Hash]bool            // bodies that only their maker has
	split   map[types.Hash]types.Hash      // a splitter's block for one side, and for the other
	records uint64                         // numbers the fake records
	orders  map[types.Hash]consensus.Order // by the block before
	pruned  uint64                         // the height below which made and bodies are forgotten

	disks    []*realDisk   // all there ever were
	ambush   func(*node)   // called when an honest node decides, if not nil
	progress time.Duration // when the slowest honest node committed last
	failure  error
	fork     *Fork
	counts   Counts
}

// Counts tells what a run was about, so that a test can see that nothing of
// interest has ceased to happen. They are of honest nodes.
type Counts struct {
	Heights    int // that some node committed
	Signed     int // votes and proposals
	Commits    int // of blocks, by each node
	LateRounds int // of these, decided after round 0
	Reproposed int // proposals of a block from an earlier round
	Resumed    int // starts that found a height begun
	Fetched    int // blocks taken from a peer
	Evidence   int // reports of it
	Refused    int // contradictions that the sign log prevented
	Unlocked   int // precommits for another block than one before
	// Of disks that failed in a write, or when they were opened, and of what was
	// there afterwards though nobody had been told so.
	DiskFailures, Survived int
}

// Add adds another run's.
func (c *Counts) Add(d Counts) {
	c.Heights += d.Heights
	c.Signed += d.Signed
	c.Commits += d.Commits
	c.LateRounds += d.LateRounds
	c.Reproposed += d.Reproposed
	c.Resumed += d.Resumed
	c.Fetched += d.Fetched
	c.Evidence += d.Evidence
	c.Refused += d.Refused
	c.Unlocked += d.Unlocked
	c.DiskFailures += d.DiskFailures
	c.Survived += d.Survived
}

// String lists the counts.
func (c Counts) String() string {
	return fmt.Sprintf("%d signed, %d commits, %d of them after round 0, %d reproposed, %d resumed, %d fetched, %d pieces of evidence, %d refused, %d unlocked, %d disk failures, after which %d writes had survived",
		c.Signed, c.Commits, c.LateRounds, c.Reproposed, c.Resumed, c.Fetched, c.Evidence, c.Refused, c.Unlocked, c.DiskFailures, c.Survived)
}

// Result is what came of a run.
type Result struct {
	Counts
	Trace string        // SHA-256 of the textual log
	Lines int           // of the log
	Took  time.Duration // virtual time
	Err   error         // what went wrong, nil if nothing did
	Fork  *Fork         // if that is that the chain forked
}

// Fork is where two honest nodes committed different blocks.
type Fork struct {
	Height   uint64
	Culprits []types.Evidence // of Scenario.MayFork: what the honest nodes can prove together
}

// Run plays a scenario to its end and writes its trace to out, if out is not
// nil.
func Run(s *Scenario, out io.Writer) Result {
	w := &World{
		Scenario: s, rng: seeded(s.Seed, 2), trace: newTrace(out),
		keys: newKeyring(s), bodies: map[types.Hash]*block{}, made: map[uint64][]*block{}, hidden: map[types.Hash]bool{},
		split: map[types.Hash]types.Hash{}, orders: map[types.Hash]consensus.Order{},
	}
	w.check = newChecker(w)
	w.net = newNetwork(w, len(s.Keys))
	for i := range s.Keys {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	w.trace.line(w, -1, s.String())
	for _, f := range s.Faults {
		f.Plan(w)
	}
	for _, n := range w.nodes {
		w.after(w.Start.pick(w.rng), n.restart)
	}
	w.after(s.Heal, func() { w.trace.line(w, -1, "healed") })
	w.play()
	for _, d := range w.disks {
		if err := d.close(); err != nil {
			w.fail("a disk cannot be closed: %v", err)
		}
	}
	return Result{Counts: w.counts, Trace: w.trace.Sum(), Lines: w.trace.lines, Took: w.now, Err: w.failure, Fork: w.fork}
}

// play goes on until all is done, an invariant is broken, or the chain stands
// still for too long.
func (w *World) play() {
	for w.failure == nil && !w.done() {
		if !w.next() {
			w.fail("nothing is planned any more")
		}
		if stuck := w.now - max(w.progress, w.Heal); stuck > w.Bound {
			w.fail("the slowest honest node has committed nothing for %v, and nothing is wrong any more: %s", stuck, w.standing())
		}
	}
	if w.failure != nil {
		w.trace.line(w, -1, "FAILED: "+w.failure.Error())
	}
}

func (w *World) done() bool {
	return (len(w.Faults) == 0 || w.now > w.Heal) && w.lowest() >= w.Heights
}

// lowest returns the height that every honest node has committed.
func (w *World) lowest() uint64 {
	lowest := ^uint64(0)
	for _, n := range w.nodes {
		if n.adversary == nil {
			lowest = min(lowest, n.head())
		}
	}
	return lowest
}

// standing tells where each node is, for a failure's text.
func (w *World) standing() string {
	out := ""
	for _, n := range w.nodes {
		if n.core != nil {
			v := n.core.View()
			out += fmt.Sprintf("\n  n%d up %v at %d/%d %v locked %d valid %d", n.index, n.up, v.Height, v.Round, v.Step, v.LockedRound, v.ValidRound)
		}
	}
	return out
}

func (w *World) fail(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf(format, args...)
	}
}

// noBlock returns the hash of nothing.
func (w *World) noBlock() types.Hash {
	w.records++
	return types.SumHash(binary.BigEndian.AppendUint64([]byte("no block"), w.records))
}

// keptHeights is how long blocks are remembered below the lowest honest node: a
// proposal of two heights ago is of no use to anybody.
const keptHeights = 2

// advanced notes that the slowest honest node has moved on.
func (w *World) advanced() {
	w.progress = w.now
	for ; w.pruned+keptHeights < w.lowest(); w.pruned++ {
		for _, b := range w.made[w.pruned] {
			delete(w.bodies, b.hash)
			delete(w.hidden, b.hash)
			delete(w.split, b.hash)
			delete(w.orders, b.header.Prev)
		}
		delete(w.made, w.pruned)
	}
}
