package local

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
)

// With one of four nodes gone the chain goes on, and the status says who is
// missing; with two gone it stands still, and says that.
func TestNodesThatAreGone(t *testing.T) {
	n := start(t, t.TempDir(), network(t, four, ""))
	w := watch.New(time.Now())
	defer w.Close()
	var s *watch.Snapshot
	until := func(what string, holds func() bool) {
		t.Helper()
		poll(t, func() bool { s = w.Poll(t.Context(), n.Watched()); return holds() }, what)
	}
	until("the network runs", func() bool { return s.Status.Phase == v1alpha1.PhaseRunning && s.Status.Height > 2 })

	if err := n.members[3].close(); err != nil {
		t.Fatal(err)
	}
	until("d is missed", func() bool { return s.Status.Phase == v1alpha1.PhaseDegraded && !s.Status.Validators[3].Online })
	at := s.Status.Height
	until("the chain goes on without d", func() bool { return s.Status.Height > at+2 })
	if s.Status.OnlineStake != 80 || s.Status.FaultMargin != 13 || s.Status.ValidatorsOnline != "3/4" {
		t.Errorf("online %d, margin %d, %s", s.Status.OnlineStake, s.Status.FaultMargin, s.Status.ValidatorsOnline)
	}

	if err := n.members[0].close(); err != nil {
		t.Fatal(err)
	}
	until("the quorum is lost", func() bool { return s.Status.Phase == v1alpha1.PhaseHalted })
	if s.Status.OnlineStake != 50 || s.Status.FaultMargin != 0 || s.Status.Height < at {
		t.Errorf("online %d, margin %d, height %d", s.Status.OnlineStake, s.Status.FaultMargin, s.Status.Height)
	}
}

// failing is a node that stops by itself when told.
type failing struct {
	done chan struct{}
	err  error
}

func (f *failing) Done() <-chan struct{} { return f.done }
func (f *failing) Err() error            { return f.err }
func (f *failing) Close() error          { return nil }

func TestNodesThatStopByThemselves(t *testing.T) {
	var told []string
	n := &Network{dead: make(chan struct{}), options: Options{Warn: func(w logs.Warning) { told = append(told, w.Node+": "+w.Text) }}}
	for _, name := range []string{"a", "b"} {
		f := &failing{done: make(chan struct{}), err: errors.New("disk of " + name + " full")}
		n.members = append(n.members, &member{about: watch.Node{Name: name}, node: f, log: io.NopCloser(nil)})
	}
	fail := func(i int) {
		close(n.members[i].node.(*failing).done)
		n.guard(t.Context(), n.members[i])
	}
	fail(1)
	select {
	case <-n.Dead():
		t.Fatal("the network is dead while a runs")
	default:
	}
	fail(0)
	<-n.Dead()
	if want := "b: the node has stopped: disk of b full\na: the node has stopped: disk of a full"; strings.Join(told, "\n") != want {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), want)
	}
	if want := "validator a: disk of a full\nvalidator b: disk of b full"; n.Err().Error() != want {
		t.Errorf("error\n%v\nwant\n%s", n.Err(), want)
	}
}
