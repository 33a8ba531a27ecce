package watch

import (
	"testing"
	"time"

	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

func TestSharesPutWinsBesideWhatIsDue(t *testing.T) {
	a, b, guest, gone := types.PublicKey{1}, types.PublicKey{2}, types.PublicKey{3}, types.PublicKey{4}
	v := &message.Validators{TotalStake: 100, Validators: []message.Validator{
		{Name: "a", Key: a, EffectiveStake: 60, Won: 5}, {Name: "b", Key: b, EffectiveStake: 40, Won: 2},
		{Name: "new", Key: types.PublicKey{9}, EffectiveStake: 0},
	}}
	audit := &message.Fairness{Draws: 10, Participants: []message.Tally{
		{Name: "a", Key: &a, Expected: 4.5}, {Name: "b", Key: &b, Expected: 3},
		{Name: "a", Key: &guest, Expected: 1, Won: 1}, {Name: "gone", Key: &gone, Expected: 0.5, Won: 1},
	}, Others: message.Tally{Expected: 1, Won: 1}}

	all, others := shares(v, audit, 10)
	want := map[string]Share{"a": {0.45, 0.5, 5}, "b": {0.3, 0.2, 2}, "new": {}}
	for name, w := range want {
		if all[name] != w {
			t.Errorf("%s has %+v, want %+v", name, all[name], w)
		}
	}
	if w := (Share{0.25, 0.3, 3}); others != w {
		t.Errorf("the others have %+v, want %+v", others, w)
	}

	all, others = shares(v, &message.Fairness{}, 0)
	if w := (Share{0.6, 0, 5}); all["a"] != w || others != (Share{}) {
		t.Errorf("before the first draw a has %+v, want %+v; the others %+v", all["a"], w, others)
	}
	if all, _ := shares(nil, nil, 0); len(all) != 0 {
		t.Errorf("of no validators: %+v", all)
	}
}

func TestNewsAreToldOnce(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	head := func(from, to uint64) *health.Node {
		n := &health.Node{Status: &message.Status{Height: to}}
		for h := to; h >= from; h-- {
			n.Winners = append(n.Winners, message.Winner{Height: h, Time: message.Timestamp(types.TimeOf(start.Add(time.Duration(h) * time.Second)))})
		}
		return n
	}
	w := New(start.Add(4 * time.Second)) // blocks to height 3 are of an earlier run
	steps := []struct {
		head        *health.Node
		first, last uint64
	}{
		{head(1, 5), 4, 5},
		{head(1, 5), 0, 0},
		{head(3, 9), 6, 9},
		{head(1, 8), 0, 0}, // another node, further behind
		{head(2, 10), 10, 10},
	}
	for i, s := range steps {
		got := w.news(s.head)
		if s.first == 0 {
			if len(got) != 0 {
				t.Errorf("step %d tells %+v again", i, got)
			}
			continue
		}
		if len(got) != int(s.last-s.first+1) || got[0].Height != s.first || got[len(got)-1].Height != s.last {
			t.Errorf("step %d tells %+v, want heights %d to %d", i, got, s.first, s.last)
		}
	}
	if n := w.wanted(10_000_000); n != message.MaxWinners {
		t.Errorf("%d winners are asked for, want %d", n, message.MaxWinners)
	}
	if n := w.wanted(3); n != 10 {
		t.Errorf("of a node that is behind %d winners are asked for, want 10", n)
	}
}
