package health_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
)

// Whatever nodes with a third of the stake or less tell: the height in the
// status is one that an honest node has, and the greatest that enough of them do.
func TestHeightIsOneToBelieve(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stakes := rapid.SliceOfN(rapid.Uint64Range(1, 9), 1, 7).Draw(rt, "stakes")
		o := network(20, stakes...)
		var lying, ready, total, honest uint64
		for i := range o.Nodes {
			total += stakes[i]
		}
		for i := range o.Nodes {
			s := o.Nodes[i].Status
			s.Height = rapid.Uint64Range(10, 20).Draw(rt, "height")
			if !rapid.Bool().Draw(rt, "ready") {
				s.Ready = false
				continue
			}
			ready += stakes[i]
			if 3*(lying+stakes[i]) <= total && rapid.Bool().Draw(rt, "lies") {
				lying += stakes[i]
				s.Height = 1000
				continue
			}
			honest = max(honest, s.Height)
		}
		status := health.Status(o, v1alpha1.PosNetworkStatus{})
		if 3*ready <= total {
			return // too few are left to tell
		}
		height := uint64(status.Height)
		if height > honest {
			rt.Fatalf("height %d, and no honest node has more than %d: %+v", height, honest, o.Nodes)
		}
		if !supported(o, stakes, total, height) || supported(o, stakes, total, height+1) {
			rt.Fatalf("height %d is not the greatest that more than a third tell of", height)
		}
	})
}

func supported(o health.Observation, stakes []uint64, total, height uint64) bool {
	var sum uint64
	for i, n := range o.Nodes {
		if n.Status.Ready && n.Status.Height >= height {
			sum += stakes[i]
		}
	}
	return 3*sum > total
}

func TestHead(t *testing.T) {
	o := network(15, 100, 40, 10)
	o.Nodes[2].Status.Height = 99
	o.Nodes[0].Status.Height = 14
	if n := health.Head(o, v1alpha1.PosNetworkStatus{}); n.Name != "a" {
		t.Errorf("asked is %s, want a: b and c together have no third that is believed", n.Name)
	}
	o.Validators = nil // by the stakes that were known before
	before := health.Status(network(15, 10, 100, 50), v1alpha1.PosNetworkStatus{})
	if n := health.Head(o, before); n.Name != "b" {
		t.Errorf("asked is %s, want b", n.Name)
	}
	for i := range o.Nodes {
		o.Nodes[i].Status.Ready = false
	}
	if n := health.Head(o, before); n.Name != "c" {
		t.Errorf("with none caught up asked is %s, want the furthest, c", n.Name)
	}
	if n := health.Head(health.Observation{}, before); n != nil {
		t.Errorf("of none asked is %s", n.Name)
	}
}

// Where nobody tells of the validators for a moment, the stakes known before
// hold: a network that is well does not seem lost.
func TestStakesAreRemembered(t *testing.T) {
	first := health.Status(network(15, 100, 50, 10), v1alpha1.PosNetworkStatus{})
	o := network(16, 1, 1, 1)
	o.Validators, o.Nodes[2].Status = nil, nil
	second := health.Status(o, first)
	if second.TotalStake != 160 || second.OnlineStake != 150 || !strings.HasPrefix(conditions(second)["Ready"], "True") {
		t.Errorf("total %d, online %d, %s", second.TotalStake, second.OnlineStake, conditions(second)["Ready"])
	}
}

func TestMemory(t *testing.T) {
	var m health.Memory
	var n health.Node
	at := func(seconds int, height uint64, step string) {
		n = health.Node{Status: &message.Status{Height: height, Step: step}}
		m.Note(&n, start.Add(time.Duration(seconds)*time.Second))
	}
	check := func(working int, told uint64) {
		t.Helper()
		want := start.Add(time.Duration(working) * time.Second)
		if working < 0 {
			want = time.Time{}
		}
		if !n.Working.Equal(want) || n.Told != told {
			t.Errorf("works since %v and told of %d, want %v and %d", n.Working, n.Told, want, told)
		}
	}
	at(0, 5, "idle")
	check(-1, 0)
	at(1, 5, "propose")
	check(1, 0)
	at(9, 5, "pause")
	check(1, 0)
	at(14, 6, "precommit") // another block
	check(14, 0)
	at(15, 6, "wait")
	check(-1, 5) // what it told at 0
	at(20, 7, "idle")
	check(-1, 5)
	at(29, 9, "idle")
	check(-1, 5)
	at(30, 9, "prevote")
	check(30, 6) // what it told at 15
	at(31, 2, "prevote")
	check(31, 0) // it began anew, and what it told before is forgotten
	n = health.Node{}
	m.Note(&n, start.Add(40*time.Second))
	check(-1, 0)
	at(46, 2, "prevote")
	check(46, 2)
}

func TestPatience(t *testing.T) {
	var c v1alpha1.Consensus
	if p := health.Patience(c); p != 30*time.Second {
		t.Errorf("of a fast network %v", p)
	}
	c.MinBlockInterval.Duration, c.ProposeTimeout.Duration = time.Minute, 5*time.Second
	if p := health.Patience(c); p != 110*time.Second {
		t.Errorf("of a slow network %v", p)
	}
}

// A zero is there to be seen, and not left out.
func TestZerosAreShown(t *testing.T) {
	o := health.Observation{Time: start, Nodes: []health.Node{{Name: "a", Stake: 5}}}
	text, err := json.Marshal(health.Status(o, v1alpha1.PosNetworkStatus{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"observedGeneration":0`, `"height":0`, `"onlineStake":0`, `"faultMargin":0`, `"evidence":0`, `"validatorsOnline":"0/1"`,
		`{"name":"a","stake":5,"effectiveStake":0,"online":false,"height":0,"drawn":0,"won":0,"missed":0,"evidence":0}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

func TestEvidenceIsCounted(t *testing.T) {
	o := network(15, 100, 50, 10)
	o.Nodes[0].Status.Evidence = 3
	o.Evidence = []message.Evidence{{Name: "b"}, {Name: "gone"}, {Name: "b"}}
	s := health.Status(o, v1alpha1.PosNetworkStatus{})
	if s.Evidence != 3 || s.Validators[1].Evidence != 2 || s.Validators[0].Evidence != 0 {
		t.Errorf("evidence %d, of a %d, of b %d", s.Evidence, s.Validators[0].Evidence, s.Validators[1].Evidence)
	}
	o = network(15, 100, 50, 10)
	for i := range o.Nodes {
		o.Nodes[i].Status = nil
	}
	o.Validators = nil
	if s = health.Status(o, s); s.Evidence != 3 || s.Validators[1].Evidence != 2 {
		t.Errorf("once nobody answers: evidence %d, of b %d", s.Evidence, s.Validators[1].Evidence)
	}
}

// A condition's message keeps within what an API server takes.
func TestMessagesAreBounded(t *testing.T) {
	o := network(15, 100)
	o.Troubles = []health.Problem{{Reason: "X", Message: strings.Repeat("é", 5000)}}
	for _, c := range health.Status(o, v1alpha1.PosNetworkStatus{}).Conditions {
		if len(c.Message) > 4096 || strings.ToValidUTF8(c.Message, "") != c.Message {
			t.Errorf("%s has a message of %d bytes, ending %q", c.Type, len(c.Message), c.Message[len(c.Message)-10:])
		}
	}
}
