package health_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// network is a healthy observation of validators with these stakes, called a,
// b, c and so on, all at a height.
func network(height uint64, stakes ...uint64) health.Observation {
	o := health.Observation{
		Time: start, Generation: 7,
		Validators: &message.Validators{Height: height + 1},
		Fairness:   &message.Fairness{Draws: height, PValue: 1, Fair: true, Fit: message.Test{Degrees: 2, PValue: 0.5}},
		Endpoints:  v1alpha1.Endpoints{API: "ws://127.0.0.1:9000/ws"},
	}
	for i, stake := range stakes {
		name := string(rune('a' + i))
		o.Nodes = append(o.Nodes, health.Node{
			Name: name, Address: "127.0.0.1:900" + fmt.Sprint(i), Stake: stake,
			Status:  &message.Status{Height: height, HeadHash: hash(height), HeadTime: at(height), Ready: true},
			Winners: winners(height),
		})
		o.Validators.Validators = append(o.Validators.Validators, message.Validator{
			Name: name, Stake: stake, EffectiveStake: stake, Drawn: 4, Won: 3, Missed: 1,
		})
		o.Validators.TotalStake += stake
	}
	return o
}

func hash(height uint64) types.Hash { return types.SumHash([]byte{byte(height)}) }

func at(height uint64) message.Timestamp {
	return message.Timestamp(types.TimeOf(start.Add(time.Duration(height) * time.Second)))
}

func winners(height uint64) []message.Winner {
	var list []message.Winner
	for h := height; h > 0 && len(list) < 12; h-- {
		list = append(list, message.Winner{Height: h, Validator: "a", Guest: h%2 == 0, Hash: hash(h), Time: at(h), Records: 3})
	}
	return list
}

// conditions as one line each: "Ready=True QuorumAgrees: …".
func conditions(s v1alpha1.PosNetworkStatus) map[string]string {
	out := map[string]string{}
	for _, c := range s.Conditions {
		out[c.Type] = fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
	}
	return out
}

func TestHealthyNetwork(t *testing.T) {
	s := health.Status(network(15, 100, 50, 10), v1alpha1.PosNetworkStatus{})
	if s.Phase != v1alpha1.PhaseRunning || s.Height != 15 || s.HeadHash != hash(15).String() || s.ObservedGeneration != 7 {
		t.Errorf("phase %s, height %d, head %s, generation %d", s.Phase, s.Height, s.HeadHash, s.ObservedGeneration)
	}
	if !s.HeadTime.Time.Equal(start.Add(15 * time.Second)) {
		t.Errorf("head time %v", s.HeadTime)
	}
	if s.TotalStake != 160 || s.OnlineStake != 160 || s.FaultMargin != 53 || s.ValidatorsOnline != "3/3" {
		t.Errorf("total %d, online %d, margin %d, %s", s.TotalStake, s.OnlineStake, s.FaultMargin, s.ValidatorsOnline)
	}
	if len(s.Winners) != 10 || s.Winners[0].Height != 15 || s.Winners[0].Validator != "a" || s.Winners[1].Validator != "guest 00000000" {
		t.Errorf("winners %+v", s.Winners)
	}
	want := v1alpha1.ValidatorStatus{
		Name: "b", Address: "127.0.0.1:9001", Stake: 50, EffectiveStake: 50, Online: true, Height: 15, Drawn: 4, Won: 3, Missed: 1,
	}
	if s.Validators[1] != want {
		t.Errorf("b is %+v, want %+v", s.Validators[1], want)
	}
	if s.Fairness.Draws != 15 || *s.Fairness.PValue != 0.5 || !s.Fairness.Fair {
		t.Errorf("fairness %+v", s.Fairness)
	}
	for condition, want := range map[string]string{
		v1alpha1.ConditionReady:       "True QuorumAgrees: validators with 160 of a total stake of 160 are online, and they agree",
		v1alpha1.ConditionProgressing: "False AsSpecified: the network is what its spec says",
		v1alpha1.ConditionDegraded:    "False AllOnline: all validators are online and caught up",
		v1alpha1.ConditionQuorumLost:  "False QuorumOnline: validators with 160 of a total stake of 160 are online; more than two thirds are needed",
		v1alpha1.ConditionDiverged:    "False SameBlocks: wherever two validators tell of one height, they hold the same block",
		v1alpha1.ConditionLotteryFair: "True FitsStakes: 15 draws fit the stakes with a p-value of 0.5",
	} {
		if got := conditions(s)[condition]; got != want {
			t.Errorf("%s:\n got %s\nwant %s", condition, got, want)
		}
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	running := v1alpha1.PosNetworkStatus{Phase: v1alpha1.PhaseRunning}
	tests := []struct {
		name     string
		change   func(*health.Observation)
		previous v1alpha1.PosNetworkStatus
		phase    v1alpha1.Phase
		want     map[string]string
	}{
		{"the lightest is offline", func(o *health.Observation) { o.Nodes[2].Status = nil }, running, v1alpha1.PhaseDegraded, map[string]string{
			"Ready":    "True QuorumAgrees: validators with 150 of a total stake of 160",
			"Degraded": "True ValidatorsOffline: c is offline",
		}},
		{"the heaviest is offline", func(o *health.Observation) { o.Nodes[0].Status = nil }, running, v1alpha1.PhaseHalted, map[string]string{
			"Ready":      "False QuorumLost: validators with 60 of a total stake of 160",
			"QuorumLost": "True TooLittleStake: validators with 60 of a total stake of 160 are online; more than two thirds are needed: the chain stands still, and nothing is lost",
		}},
		{"nobody ever answered", func(o *health.Observation) {
			*o = health.Observation{Time: start, Nodes: []health.Node{{Name: "a", Stake: 5}, {Name: "b", Stake: 6}}}
		}, v1alpha1.PosNetworkStatus{}, v1alpha1.PhasePending, map[string]string{
			"Ready":       "False QuorumLost",
			"QuorumLost":  "True TooLittleStake: validators with 0 of a total stake of 11",
			"Degraded":    "True ValidatorsOffline: a, b are offline",
			"LotteryFair": "Unknown NoDraws",
		}},
		{"two catch up", func(o *health.Observation) { o.Nodes[0].Status.Ready, o.Nodes[1].Status.Ready = false, false }, running, v1alpha1.PhaseDegraded, map[string]string{
			"Ready":    "False CatchingUp: validators with 160 of a total stake of 160 are online: a, b are not caught up yet",
			"Degraded": "True ValidatorsBehind: a, b are not caught up",
		}},
		{"all catch up at the start", func(o *health.Observation) {
			for i := range o.Nodes {
				o.Nodes[i].Status.Ready = false
			}
		}, v1alpha1.PosNetworkStatus{Phase: v1alpha1.PhasePending}, v1alpha1.PhasePending, map[string]string{"Ready": "False CatchingUp", "QuorumLost": "False"}},
		{"different blocks at a common height", func(o *health.Observation) {
			o.Nodes[1].Winners[3].Hash = hash(99)
			o.Nodes[1].Status.Height = 11
		}, running, v1alpha1.PhaseDiverged, map[string]string{
			"Ready":    "False Diverged: a and b hold different blocks at height 12",
			"Diverged": "True DifferentBlocks: a and b hold different blocks at height 12",
		}},
		{"diverged once", func(*health.Observation) {}, v1alpha1.PosNetworkStatus{Conditions: []metav1.Condition{
			{Type: "Diverged", Status: metav1.ConditionTrue, Message: "a and b hold different blocks at height 2"},
		}}, v1alpha1.PhaseDiverged, map[string]string{
			"Ready":    "False Diverged: a and b hold different blocks at height 2",
			"Diverged": "True DifferentBlocks: a and b hold different blocks at height 2",
		}},
		{"an unfair lottery", func(o *health.Observation) { o.Fairness.PValue, o.Fairness.Fair = 0.00001, false }, running, v1alpha1.PhaseRunning, map[string]string{
			"LotteryFair": "False Unfair: 15 draws do not fit the stakes: a fair lottery ever looks so unfair with a chance of 1e-05 at most",
		}},
		{"changing", func(o *health.Observation) { o.Changing = "the stake of bob goes from 1 to 2" }, running, v1alpha1.PhaseRunning, map[string]string{
			"Progressing": "True Changing: the stake of bob goes from 1 to 2",
		}},
		{"changing, and something is in the way", func(o *health.Observation) {
			o.Changing = "the stake of bob goes from 1 to 2"
			o.Stopped = []health.Problem{{health.ReasonNameTaken, "Service alpha-api is somebody else's"}, {health.ReasonStakesHeld, "the stake of c is held back"}}
		}, running, v1alpha1.PhaseRunning, map[string]string{
			"Ready":       "True QuorumAgrees",
			"Progressing": "False NameTaken: Service alpha-api is somebody else's; the stake of c is held back. Meanwhile: the stake of bob goes from 1 to 2",
		}},
		{"a rollout that is stopped", func(o *health.Observation) {
			o.Nodes[2].Status = nil
			o.Stopped = []health.Problem{{health.ReasonRolloutStopped, "c does not come back under its new template"}}
			o.Troubles = []health.Problem{{health.ReasonImage, "pod alpha-c-0: image x cannot be pulled"}}
		}, running, v1alpha1.PhaseDegraded, map[string]string{
			"Ready":       "True QuorumAgrees",
			"Progressing": "False RolloutStopped: c does not come back under its new template",
			"Degraded":    "True ImageUnavailable: c is offline; pod alpha-c-0: image x cannot be pulled",
		}},
		{"a rule that does not compile", func(o *health.Observation) {
			o.Invalid = &health.Problem{Reason: health.ReasonBadRule, Message: "spec.builder.when: no such variable"}
			o.Changing = "nothing that would count"
		}, running, v1alpha1.PhaseRunning, map[string]string{
			"Ready":       "False BadRule: spec.builder.when: no such variable",
			"Progressing": "False BadRule: spec.builder.when: no such variable. All stays as it is until the spec is put right",
			"QuorumLost":  "False",
		}},
		{"a key that is lost, while all runs", func(o *health.Observation) {
			o.Troubles = []health.Problem{{"KeysLost", "Secret alpha-a-keys is gone"}}
		}, running, v1alpha1.PhaseDegraded, map[string]string{"Ready": "True", "Degraded": "True KeysLost: Secret alpha-a-keys is gone"}},
		{"more problems than can be told", func(o *health.Observation) {
			for i := range 8 {
				o.Troubles = append(o.Troubles, health.Problem{Reason: health.ReasonVolume, Message: fmt.Sprint("claim ", i)})
			}
		}, running, v1alpha1.PhaseDegraded, map[string]string{
			"Degraded": "True VolumeUnavailable: claim 0; claim 1; claim 2; claim 3; claim 4; and 3 more",
		}},
		{"a node that lies about its height", func(o *health.Observation) {
			o.Nodes[2].Status.Height, o.Nodes[2].Told = 1_000_000, 1_000_000
		}, running, v1alpha1.PhaseDegraded, map[string]string{
			"Ready":    "True QuorumAgrees: validators with 160 of a total stake of 160",
			"Degraded": "True ValidatorsLie: c tells of a block 1000000 that no other has",
		}},
		{"one that lies, and one that is behind", func(o *health.Observation) {
			o.Nodes[1].Status.Height, o.Nodes[1].Told = 1_000_000, 1_000_000
			o.Nodes[2].Status.Ready = false
		}, running, v1alpha1.PhaseDegraded, map[string]string{
			"Ready":    "False Disagreement: validators with 160 of a total stake of 160 are online: b tells of a block 1000000 that no other has; c is not caught up",
			"Degraded": "True ValidatorsLie: b tells of a block 1000000 that no other has; c is not caught up",
		}},
		{"work that cannot be done without a quorum", func(o *health.Observation) {
			o.Patience = time.Minute
			o.Nodes[0].Status = nil
			o.Nodes[1].Working, o.Nodes[2].Working = start.Add(-time.Hour), start.Add(-time.Hour)
		}, running, v1alpha1.PhaseHalted, map[string]string{"Ready": "False QuorumLost", "Degraded": "True ValidatorsOffline: a is offline"}},
		{"a node that is a little ahead", func(o *health.Observation) {
			o.Nodes[2].Status.Height, o.Nodes[2].Told = 17, 15
		}, running, v1alpha1.PhaseRunning, map[string]string{"Degraded": "False AllOnline"}},
		{"a chain that stands still", func(o *health.Observation) {
			o.Patience = time.Minute
			for i := range o.Nodes {
				o.Nodes[i].Working, o.Nodes[i].Status.Round = start.Add(-2*time.Minute), 7
				o.Nodes[i].Status.OnlineStake, o.Nodes[i].Status.TotalStake = 160, 160
			}
			o.Nodes[1].Status.OnlineStake = 50
		}, running, v1alpha1.PhaseHalted, map[string]string{
			"Ready": "False Stalled: validators with 160 of a total stake of 160 are online, and the chain stands still: " +
				"block 16 has been worked at for more than 1m0s, in round 7 by now; b is linked with too few of the others for a quorum",
			"QuorumLost": "False QuorumOnline",
			"Degraded":   "True Stalled: the chain stands still",
		}},
		{"few of which say that it stands still", func(o *health.Observation) {
			o.Patience = time.Minute
			o.Nodes[1].Working = start.Add(-2 * time.Minute)
			o.Nodes[0].Working = start.Add(-time.Minute)
		}, running, v1alpha1.PhaseRunning, map[string]string{"Ready": "True", "Degraded": "False AllOnline"}},
		{"one that runs with another key", func(o *health.Observation) { o.Nodes[0].Status.Key = types.PublicKey{1} }, running, v1alpha1.PhaseHalted, map[string]string{
			"QuorumLost": "True TooLittleStake: validators with 60 of a total stake of 160 are online",
		}},
		{"different blocks at a height that both were asked for", func(o *health.Observation) {
			o.Nodes[0].Winners, o.Nodes[2].Winners = nil, nil
			o.Nodes[0].Blocks = map[uint64]types.Hash{3: hash(3)}
			o.Nodes[2].Blocks = map[uint64]types.Hash{3: hash(4)}
		}, running, v1alpha1.PhaseDiverged, map[string]string{"Diverged": "True DifferentBlocks: a and c hold different blocks at height 3"}},
		{"different heads", func(o *health.Observation) {
			o.Nodes[1].Status.HeadHash, o.Nodes[1].Winners = hash(99), nil
		}, running, v1alpha1.PhaseDiverged, map[string]string{"Diverged": "True DifferentBlocks: a and b hold different blocks at height 15"}},
		{"paused", func(o *health.Observation) { o.Paused = true }, running, v1alpha1.PhasePaused, map[string]string{
			"Ready": "True", "Progressing": "False Paused: spec.paused is set",
		}},
		{"hibernated", func(o *health.Observation) {
			o.Hibernated = true
			o.Nodes[0].Status, o.Nodes[1].Status, o.Nodes[2].Status = nil, nil, nil
		}, running, v1alpha1.PhaseHibernated, map[string]string{
			"Ready": "False Hibernated", "Degraded": "False Hibernated", "QuorumLost": "False Hibernated",
		}},
		{"hibernated, and a key is lost", func(o *health.Observation) {
			o.Hibernated = true
			o.Troubles = []health.Problem{{"KeysLost", "Secret alpha-a-keys is gone"}}
		}, running, v1alpha1.PhaseHibernated, map[string]string{"Ready": "False Hibernated", "Degraded": "True KeysLost: Secret alpha-a-keys is gone"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := network(15, 100, 50, 10)
			tt.change(&o)
			s := health.Status(o, tt.previous)
			if s.Phase != tt.phase {
				t.Errorf("phase %s, want %s", s.Phase, tt.phase)
			}
			got := conditions(s)
			for condition, want := range tt.want {
				if !strings.HasPrefix(got[condition], want) {
					t.Errorf("%s:\n got %s\nwant %s…", condition, got[condition], want)
				}
			}
		})
	}
}

// The margin is what may fail: with it gone there is still a quorum, with one
// token more there is none.
func TestFaultMargin(t *testing.T) {
	for total := uint64(1); total < 200; total++ {
		s := health.Status(network(1, total), v1alpha1.PosNetworkStatus{})
		left := total - uint64(s.FaultMargin)
		if 3*left <= 2*total || 3*(left-1) > 2*total {
			t.Fatalf("of a stake of %d, %d may fail: that leaves %d", total, s.FaultMargin, left)
		}
	}
}

func TestWhatIsKnownOverTime(t *testing.T) {
	first := health.Status(network(15, 100, 50, 10), v1alpha1.PosNetworkStatus{})
	o := network(16, 100, 50, 10)
	o.Time = start.Add(time.Minute)
	o.Nodes[2].Status = nil
	second := health.Status(o, first)
	for _, c := range second.Conditions {
		since := start
		if c.Type == v1alpha1.ConditionDegraded {
			since = o.Time
		}
		if !c.LastTransitionTime.Time.Equal(since) {
			t.Errorf("%s is %s since %v, want %v", c.Type, c.Status, c.LastTransitionTime, since)
		}
	}
	if v := second.Validators[2]; v.Online || v.Height != 15 || v.Won != 3 {
		t.Errorf("c, offline, is %+v: want its last height kept", v)
	}

	dark := health.Observation{Time: start, Nodes: []health.Node{{Name: "a", Stake: 160}}}
	third := health.Status(dark, second)
	if third.Height != 16 || third.HeadHash != hash(16).String() || len(third.Winners) != 10 || third.Fairness.Draws != 16 || third.Phase != v1alpha1.PhaseHalted {
		t.Errorf("once nobody answers: %+v", third)
	}
	if third.Validators[0].EffectiveStake != 100 || third.Validators[0].Won != 3 {
		t.Errorf("a, offline, is %+v", third.Validators[0])
	}
}
