package faults_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/processes"
)

// blow is one thing that befalls the network.
type blow struct {
	name   string
	strike func(a *arena)
}

// blows is all kinds of them, but for kills at a point.
func blows() []blow {
	return []blow{
		{"one is killed", func(a *arena) { a.kill(a.any(1)...) }},
		{"two are killed, and with them the quorum", func(a *arena) { a.kill(a.any(2)...) }},
		{"all are killed", func(a *arena) { a.kill(a.n.Nodes...) }},
		{"one stands still", func(a *arena) { a.freeze(a.any(1)...) }},
		{"two stand still", func(a *arena) { a.freeze(a.any(2)...) }},
		{"all stand still", func(a *arena) { a.freeze(a.n.Nodes...) }},
		{"one stands still and is killed", func(a *arena) {
			nodes := a.any(1)
			a.signal(syscall.SIGSTOP, nodes...)
			a.grow(a.others(nodes...)...)
			a.kill(nodes...)
		}},
		{"all are killed at one point", killAllAt},
		{"one stands still at a point", freezeAt},
		{"one loses its disk", loseDisk},
		{"one loses its newest blocks", loseNewest},
		{"one has a full disk", fillDisk},
		{"one has a full disk from a point on", func(a *arena) { a.failAt(failpoint.Full, "no space left on device") }},
		{"one has a disk that can only be read", lockDisk},
		{"one has a disk that can only be read from a point on", func(a *arena) { a.failAt(failpoint.ReadOnly, "read-only file system") }},
		{"one has a damaged file", damageFile},
	}
}

// kills is a blow for each point.
func kills() (all []blow) {
	for _, at := range failpoint.Points() {
		all = append(all, blow{"one is killed at " + string(at), func(a *arena) { killAt(a, at) }})
	}
	return all
}

// someKills is one at a point of every height, and one at any other.
func someKills(random *rand.Rand) []blow {
	all := kills()
	return []blow{all[random.IntN(len(heightPoints))], all[len(heightPoints)+random.IntN(len(all)-len(heightPoints))]}
}

// heightPoints are the points that every height passes: the first of all points.
var heightPoints = failpoint.Points()[:slices.Index(failpoint.Points(), failpoint.FileReplacing)]

func (a *arena) anyPoint() failpoint.Point { return heightPoints[a.random.IntN(len(heightPoints))] }

// anyPass draws which pass of a point it is: one while the node catches up, or
// when it votes again.
func (a *arena) anyPass(at failpoint.Point) int {
	switch at {
	case failpoint.Disk:
		return 1 + a.random.IntN(400)
	case failpoint.FileReplacing, failpoint.FileReplaced:
		return 1 + a.random.IntN(3) // a new folder replaces three files
	case failpoint.FolderMade:
		return 1
	}
	return 1 + a.random.IntN(12)
}

// killAt kills one node at a point. Those that only a new folder passes cost it
// its disk first.
func killAt(a *arena, at failpoint.Point) {
	victim := a.any(1)[0]
	a.kill(victim)
	if !slices.Contains(heightPoints, at) && at != failpoint.Disk {
		a.lose(victim)
	}
	a.restartTrapped(victim, at, a.anyPass(at), failpoint.Kill)
	a.ends(victim, "it was to be killed at "+string(at))
}

// killAllAt kills all nodes at about the same moment, each at the same point. As
// soon as two are gone the others may stand still before it.
func killAllAt(a *arena) {
	at := a.anyPoint()
	pass := a.anyPass(at)
	a.kill(a.n.Nodes...)
	for _, p := range a.n.Nodes {
		a.restartTrapped(p, at, pass, failpoint.Kill)
	}
	gone := func() (out []*processes.Process) {
		return slices.DeleteFunc(slices.Clone(a.n.Nodes), (*processes.Process).Runs)
	}
	await.Within(a.t, patience, "two nodes end at "+string(at), func() error {
		if len(gone()) < 2 {
			return errors.New("they run")
		}
		return nil
	})
	first := gone()
	a.buried(first...)
	a.kill(a.others(first...)...)
}

// freeze has nodes stand still, for longer now and then than a link waits to
// hear from a peer, while the others go on if they can.
func (a *arena) freeze(nodes ...*processes.Process) {
	a.t.Helper()
	a.signal(syscall.SIGSTOP, nodes...)
	if len(nodes) == 1 {
		a.grow(a.others(nodes...)...)
	}
	pause := time.Duration(a.random.IntN(300)) * time.Millisecond
	if a.random.IntN(8) == 0 {
		pause += 5 * time.Second
	}
	time.Sleep(pause) // what is waited for is that time passes
	a.signal(syscall.SIGCONT, nodes...)
}

// freezeAt has a node stand still at a point, while the others go on.
func freezeAt(a *arena) {
	victim, at := a.any(1)[0], a.anyPoint()
	a.kill(victim)
	a.restartTrapped(victim, at, a.anyPass(at), failpoint.Stop)
	a.says(victim, `"msg":"failpoint"`)
	a.grow(a.others(victim)...)
	a.signal(syscall.SIGCONT, victim)
}

// says waits until the present life of a node has logged a text.
func (a *arena) says(p *processes.Process, text string) {
	a.t.Helper()
	await.Within(a.t, patience, p.Name+" says "+text, func() error {
		said, err := p.Said()
		if err == nil && !strings.Contains(said, text) {
			err = errors.New("it says " + p.LastWords())
		}
		return err
	})
}

// lose takes the data of a node that is gone.
func (a *arena) lose(p *processes.Process) {
	a.t.Helper()
	a.signed.loses(a.t, a.ear, p)
	if err := os.RemoveAll(p.Data()); err != nil {
		a.t.Fatal(err)
	}
}

func loseDisk(a *arena) {
	victim := a.any(1)[0]
	a.kill(victim)
	a.lose(victim)
	a.grow(a.others(victim)...)
	a.whole()
	a.says(victim, "the watch is over: this validator votes from now on")
}

// loseNewest cuts the log of the newest writes to the chain in half.
func loseNewest(a *arena) {
	victim := a.any(1)[0]
	a.grow(victim)
	a.kill(victim)
	logs, err := filepath.Glob(filepath.Join(victim.Data(), "chain", "*.log"))
	if err != nil || len(logs) == 0 {
		a.t.Fatalf("%s has no log of writes: %v", victim.Name, err)
	}
	newest := slices.Max(logs) // their names are numbers of one length
	info, err := os.Stat(newest)
	if err == nil {
		err = os.Truncate(newest, info.Size()/2)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.grow(a.others(victim)...)
	a.restart(victim)
	a.says(victim, "the data folder has lost its newest blocks: they are fetched from the other nodes")
}

// failAt has a node's disk fail from a point on: the node ends by itself, and
// says why.
func (a *arena) failAt(action failpoint.Action, why string) {
	a.t.Helper()
	victim := a.any(1)[0]
	a.kill(victim)
	a.restartTrapped(victim, a.anyPoint(), 1+a.random.IntN(12), action)
	a.fails(victim, why)
}

// fails waits until a node has ended by itself and said why.
func (a *arena) fails(p *processes.Process, why string) {
	a.t.Helper()
	a.ends(p, "its disk fails")
	if code, words := p.ExitCode(), p.LastWords(); code != 1 || !strings.Contains(words, why) {
		a.t.Errorf("%s ended with code %d and said %s: it should have told of %q", p.Name, code, words, why)
	}
}

// String tells what happened.
func (b blow) String() string { return fmt.Sprintf("blow %q", b.name) }
