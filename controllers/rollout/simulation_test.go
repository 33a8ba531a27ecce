package rollout_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/controllers/rollout"
)

// world is a cluster that does what it is told, and in which pods fail.
type world struct {
	rt     *rapid.T
	allow  bool
	wanted int // the template that the spec asks for
	broken int // the template under which no pod comes up
	pods   []*pod
}

type pod struct {
	share   rollout.Share
	applied int  // template of the StatefulSet
	runs    int  // template of the pod; -1: there is none
	away    int  // steps until it is online
	dead    bool // it is stuck, whatever its template
}

func (w *world) online(p *pod) bool { return p.runs >= 0 && p.away == 0 && !w.stuck(p) }
func (w *world) stuck(p *pod) bool  { return p.runs >= 0 && (p.dead || p.runs == w.broken) }

// observe is what an operator sees.
func (w *world) observe() rollout.Network {
	n := rollout.Network{AllowQuorumLoss: w.allow}
	for _, p := range w.pods {
		v := rollout.Validator{Share: p.share, Online: w.online(p), Applied: p.applied == w.wanted}
		switch {
		case p.runs == p.applied:
			v.Pod = rollout.PodCurrent
		case p.runs >= 0:
			v.Pod = rollout.PodOld
		}
		if w.stuck(p) {
			v.Stuck = "it cannot start"
		}
		n.Validators = append(n.Validators, v)
	}
	return n
}

func (w *world) pod(name string) *pod {
	return w.pods[slices.IndexFunc(w.pods, func(p *pod) bool { return p.share.Name == name })]
}

// step does what a rollout says, and holds every rule of it against what a
// person would say of it.
func (w *world) step() rollout.Step {
	n := w.observe()
	s := rollout.Next(n)
	var taken []*pod
	busy := slices.ContainsFunc(n.Validators, func(v rollout.Validator) bool {
		return v.Applied && !(v.Online && v.Pod == rollout.PodCurrent)
	})
	for _, name := range s.Apply {
		if p := w.pod(name); w.online(p) {
			taken = append(taken, p)
		}
	}
	if len(taken) > 1 || len(taken) == 1 && busy {
		w.rt.Fatalf("it takes %d down while another is away: %v; %+v in %+v", len(taken), busy, s, n)
	}
	for _, p := range taken {
		w.checkTurn(p, s)
	}
	for _, name := range s.Apply {
		p := w.pod(name)
		p.applied, p.runs, p.dead = w.wanted, -1, false // as StatefulSets do
	}
	for _, name := range s.Delete {
		if p := w.pod(name); w.online(p) || p.runs == p.applied {
			w.rt.Fatalf("it deletes the pod of %s in %+v", name, n)
		} else {
			p.runs, p.dead = -1, false
		}
	}
	return s
}

// checkTurn: p, which is online, is taken down. Nobody lighter was there, nobody
// down, and what was a quorum for sure is one still; or p pauses the chain, and
// that is allowed, said and cannot be helped.
func (w *world) checkTurn(p *pod, s rollout.Step) {
	down, heavy := 0, 0
	for i, other := range w.pods {
		if other == p {
			heavy = 1 << i
		}
		if !w.online(other) || other == p {
			down |= 1 << i
		}
		if other.applied != w.wanted && (!w.online(other) || other.share.High < p.share.High && other.share.Low <= p.share.Low) {
			w.rt.Fatalf("%s goes before %s", p.share.Name, other.share.Name)
		}
	}
	lost := p.share.High > 0 && costly(w.shares(), down)
	if wantPause := lost && w.allow && costly(w.shares(), heavy); lost != wantPause || lost != (s.Pauses == p.share.Name) {
		w.rt.Fatalf("taking %s costs the quorum: %v, and it says %+v", p.share.Name, lost, s)
	}
}

func (w *world) shares() []rollout.Share {
	out := make([]rollout.Share, len(w.pods))
	for i, p := range w.pods {
		out[i] = p.share
	}
	return out
}

// pass is a moment of the cluster's own: pods are made and come up, and as long
// as luck is bad they fail.
func (w *world) pass(badLuck bool) {
	for _, p := range w.pods {
		switch {
		case p.runs < 0:
			p.runs, p.away = p.applied, rapid.IntRange(1, 3).Draw(w.rt, "away")
		case p.away > 0:
			p.away--
		}
	}
	if !badLuck {
		for _, p := range w.pods {
			p.dead = false // somebody has mended the machine
		}
		return
	}
	switch p := rapid.SampledFrom(w.pods).Draw(w.rt, "who"); rapid.SampledFrom([]string{"", "", "away", "gone", "dead"}).Draw(w.rt, "fails") {
	case "away":
		p.away = 2
	case "gone":
		p.runs = -1
	case "dead":
		p.dead = true
	}
}

// run steps until all is done or nothing more happens.
func (w *world) run(failures int) (done bool, last rollout.Step) {
	for i := range failures + 40*len(w.pods) {
		s := w.step()
		w.pass(i < failures)
		if s.Stopped == "" && s.Progress == "" && !slices.ContainsFunc(w.pods, func(p *pod) bool { return !w.online(p) || p.runs != w.wanted }) {
			return true, s
		}
		last = s
	}
	return false, last
}

func newWorld(rt *rapid.T) *world {
	w := &world{rt: rt, allow: rapid.Bool().Draw(rt, "allowQuorumLoss"), broken: -2}
	for i := range rapid.IntRange(1, 7).Draw(rt, "validators") {
		stakes := rapid.SliceOfN(rapid.Uint64Range(0, 9), 1, 2).Draw(rt, "stakes")
		w.pods = append(w.pods, &pod{share: rollout.NewShare(fmt.Sprint("v", i), stakes...)})
	}
	return w
}

// Whatever fails meanwhile, a rollout ends once failures do; or it is stopped by
// a validator too heavy to be restarted where no pause is allowed.
func TestRolloutEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		w.wanted = 1
		done, last := w.run(rapid.IntRange(0, 30).Draw(rt, "failures"))
		if done {
			return
		}
		for i, p := range w.pods {
			if p.applied != w.wanted && !(costly(w.shares(), 1<<i) && p.share.High > 0) {
				rt.Fatalf("%s, which costs no quorum, never got its template: %+v", p.share.Name, last)
			}
		}
		if w.allow || last.Stopped == "" {
			rt.Fatalf("it does not end, and says %+v", last)
		}
	})
}

// A template under which no pod comes up takes down one validator of those that
// were online, which leaves a quorum online; undoing the edit takes it back.
func TestBrokenRolloutIsUndone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		w.wanted, w.broken = 1, 1
		done, last := w.run(0)
		if left := slices.ContainsFunc(w.pods, func(p *pod) bool { return p.applied != w.wanted }); done || left && last.Stopped == "" {
			rt.Fatalf("done: %v, and it says %+v", done, last)
		}
		down := slices.DeleteFunc(slices.Clone(w.pods), w.online)
		if len(down) > 1 {
			rt.Fatalf("%d of %d are down", len(down), len(w.pods))
		}
		w.wanted = 0
		if done, last := w.run(0); !done {
			rt.Fatalf("undone, it does not end, and says %+v", last)
		}
		// And a template that mends the first one, instead of undoing it.
		w.wanted = 1
		w.run(0)
		w.wanted = 2
		if done, last := w.run(0); !done && (w.allow || last.Stopped == "") {
			rt.Fatalf("mended, it does not end, and says %+v", last)
		}
	})
}
