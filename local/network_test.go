package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/manifest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what takes a second.
const patience = 60 * time.Second

// network reads a manifest whose blocks come by themselves, ten a second.
func network(t *testing.T, validators, more string) *v1alpha1.PosNetwork {
	t.Helper()
	n, err := manifest.Read("test.yaml", strings.NewReader(`
apiVersion: posnet.dev/v1alpha1
kind: PosNetwork
metadata: {name: alpha}
spec:
  validators: `+validators+`
  builder: {when: "pool.size >= 1 || idle >= duration('100ms')", interval: 50ms}
  consensus: {minBlockInterval: 50ms, proposeTimeout: 1s}
`+more))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const four = "[{name: a, stake: 30}, {name: b, stake: 27}, {name: c, stake: 23}, {name: d, stake: 20}]"

func run(t *testing.T, dir string, n *v1alpha1.PosNetwork, until uint64) Run {
	return Run{
		Options: Options{Manifest: n, Source: "test.yaml", Dir: dir, Ports: Ports{Host: "127.0.0.1"}, Version: "test"},
		View:    Silent, Out: io.Discard, Err: io.Discard, Until: until, Timeout: patience, Folder: dir,
	}
}

func up(t *testing.T, r Run) *v1alpha1.PosNetwork {
	t.Helper()
	n, err := Up(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNetworkRunsAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	m := network(t, four, "")
	first := up(t, run(t, dir, m, 5)).Status
	if first.Phase != v1alpha1.PhaseRunning || first.Height < 5 || first.TotalStake != 100 || first.OnlineStake != 100 || first.FaultMargin != 33 {
		t.Errorf("the first run ends with %+v", first)
	}
	if len(first.Validators) != 4 || first.ValidatorsOnline != "4/4" || first.Endpoints.API != "ws://"+first.Validators[0].Address+"/ws" {
		t.Errorf("validators %+v, %s online, endpoints %+v", first.Validators, first.ValidatorsOnline, first.Endpoints)
	}
	for i, v := range first.Validators {
		if v.Name != string(rune('a'+i)) || !v.Online || v.Height < 5 || v.EffectiveStake != v.Stake {
			t.Errorf("validator %d is %+v", i, v)
		}
	}
	second := up(t, run(t, dir, m, uint64(first.Height)+2)).Status
	last := first.Winners[0]
	found := false
	for _, w := range second.Winners {
		if w.Height == last.Height {
			found = w.Hash == last.Hash
		}
	}
	if second.Height < first.Height+2 || !found {
		t.Errorf("the second run's newest blocks %+v do not go on from %+v", second.Winners, last)
	}

	// A height that is there already: the status waits for the nodes to find each other.
	again := up(t, run(t, dir, m, 1)).Status
	if again.Phase != v1alpha1.PhaseRunning || again.Height < second.Height {
		t.Errorf("a run until a height of the past ends with %+v", again)
	}

	r := run(t, dir, m, 1)
	r.Reset = true
	third := up(t, r).Status
	if h := third.Winners[len(third.Winners)-1]; h.Height != 1 || third.Height >= second.Height {
		t.Errorf("after a reset the chain is at %d and begins with %+v", third.Height, h)
	}
}

func TestLinesTellEachBlock(t *testing.T) {
	var out strings.Builder
	r := run(t, t.TempDir(), network(t, "[{name: solo, stake: 1}]", "  console: {enabled: true, guests: true}"), 3)
	r.View, r.Out = Lines, &out
	end := up(t, r)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !strings.HasPrefix(lines[0], "network alpha  1 validator  stake 1  at height ") || !strings.HasPrefix(lines[2], "solo  ws://127.0.0.1:") ||
		!strings.Contains(lines[2], "  nc 127.0.0.1 ") || !strings.Contains(lines[2], "/metrics") {
		t.Errorf("the lines begin with\n%s", out.String())
	}
	for i, want := range []string{"height 1  winner solo  round 0  0 records  hash ", "height 2  winner solo", "height 3  winner solo"} {
		if len(lines) < 6 || !strings.HasPrefix(lines[3+i], want) {
			t.Fatalf("line %d is not %q in\n%s", 3+i, want, out.String())
		}
	}
	if end.Status.Endpoints.Console == "" {
		t.Errorf("endpoints %+v lack the console", end.Status.Endpoints)
	}
}

func TestStakesFollowTheManifest(t *testing.T) {
	dir := t.TempDir()
	up(t, run(t, dir, network(t, four, ""), 3))

	// d leaves, b and c change, e and its replicas join.
	changed := network(t, "[{name: a, stake: 30}, {name: b, stake: 17}, {name: c, stake: 33}, {name: e, stake: 10, replicas: 2}]", "")
	n := start(t, dir, changed)
	poll(t, func() bool {
		return n.Watched().Changing == "" && len(n.Watched().Nodes) == 5
	}, "the chain comes to the manifest's stakes")
	s := up(t, closing(t, n, run(t, dir, changed, 6))).Status
	want := map[string]int64{"a": 30, "b": 17, "c": 33, "e-0": 10, "e-1": 10}
	if s.TotalStake != 100 || len(s.Validators) != len(want) {
		t.Errorf("total stake %d, validators %+v", s.TotalStake, s.Validators)
	}
	for _, v := range s.Validators {
		if v.EffectiveStake != want[v.Name] || v.Stake != want[v.Name] || !v.Online {
			t.Errorf("%s is %+v, want a stake of %d", v.Name, v, want[v.Name])
		}
	}

	// d comes back with the keys it had.
	back := up(t, run(t, dir, network(t, four, ""), uint64(s.Height)+8)).Status
	for _, v := range back.Validators {
		if v.Name == "d" && v.EffectiveStake != 20 {
			t.Errorf("d is back as %+v", v)
		}
	}
}

// start starts a network without showing it.
func start(t *testing.T, dir string, m *v1alpha1.PosNetwork) *Network {
	t.Helper()
	r := run(t, dir, m, 0)
	r.Warn = func(w logs.Warning) { t.Logf("%s: %s", w.Node, w.Text) }
	n, err := Start(t.Context(), r.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// closing closes a network before another run takes its folder.
func closing(t *testing.T, n *Network, r Run) Run {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

func poll(t *testing.T, holds func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not hold within %v that %s", patience, what)
		}
	}
}

func TestPausedLeavesStakesAlone(t *testing.T) {
	dir := t.TempDir()
	up(t, run(t, dir, network(t, "[{name: a, stake: 5}]", ""), 1))
	s := up(t, run(t, dir, network(t, "[{name: a, stake: 6}]", "  paused: true"), 6)).Status
	if s.Phase != v1alpha1.PhasePaused || s.TotalStake != 5 || s.Validators[0].Stake != 6 {
		t.Errorf("phase %s, total stake %d, validators %+v", s.Phase, s.TotalStake, s.Validators)
	}
}

func TestHibernationRunsNothing(t *testing.T) {
	dir := t.TempDir()
	s := up(t, run(t, dir, network(t, four, "  hibernate: true"), 5)).Status
	if s.Phase != v1alpha1.PhaseHibernated || s.TotalStake != 100 || s.ValidatorsOnline != "0/4" {
		t.Errorf("a network that hibernates is %+v", s)
	}
	if _, err := os.Stat(filepath.Join(dir, "alpha")); err == nil {
		t.Error("a folder was made")
	}
}

func TestStartRefuses(t *testing.T) {
	one := "[{name: a, stake: 5}]"
	dir := t.TempDir()
	up(t, run(t, dir, network(t, one, ""), 1))
	copied := filepath.Join(dir, "alpha", "a", "data", "IDENTITY")
	identity, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	foreign := regexp.MustCompile(`"network": "[0-9a-f]*`)
	tests := []struct {
		name   string
		change func(*Run)
		want   string
	}{
		{"another reward", func(r *Run) { r.Manifest = network(t, one, "  ledger: {blockReward: 7}") },
			"test.yaml: spec.ledger.blockReward was 1 and is now 7: the network in " + filepath.Join(dir, "alpha") + " was made otherwise"},
		{"a rule that does not compile", func(r *Run) { r.Manifest.Spec.Builder.When = "pool.size >" }, "test.yaml: spec.builder.when: "},
		{"a validator's own rule", func(r *Run) {
			r.Manifest.Spec.Validators[0].Builder = &v1alpha1.BuilderOverride{When: "pool.weight > 3"}
		}, "test.yaml: spec.validators[0].builder.when: "},
		{"no such port", func(r *Run) { r.Ports.API = 70000 }, "--api-port: port 70000"},
		{"a foreign data folder", func(*Run) {
			other := foreign.ReplaceAll(identity, []byte(`"network": "`+strings.Repeat("0", 64)))
			if err := os.WriteFile(copied, other, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "belongs to network 00000000"},
		{"a truncated data folder", func(*Run) {
			if err := os.WriteFile(copied, identity[:20], 0o600); err != nil {
				t.Fatal(err)
			}
		}, "does not say whose data folder this is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, dir, network(t, one, ""), 1)
			tt.change(&r)
			_, err := Up(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if err := os.WriteFile(copied, identity, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	if s := up(t, run(t, dir, network(t, one, ""), 1)).Status; s.Height < 1 {
		t.Errorf("after all that the network is %+v", s)
	}
}

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	m := network(t, "[{name: a, stake: 5}]", "")
	n := start(t, dir, m)
	_, err := Up(t.Context(), run(t, dir, m, 1))
	if err == nil || !strings.Contains(err.Error(), "network alpha is running already") {
		t.Errorf("error %v", err)
	}
	up(t, closing(t, n, run(t, dir, m, 1)))
}

// A chain that cannot go on is said to, and no later than asked.
func TestTimeoutSaysHowFarItCame(t *testing.T) {
	m := network(t, "[{name: a, stake: 5}]", "")
	m.Spec.Builder.When = "false"
	r := run(t, t.TempDir(), m, 1)
	r.Timeout = 300 * time.Millisecond
	n, err := Up(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "height 1 was not reached within 300ms: the chain is at height 0") {
		t.Errorf("error %v", err)
	}
	if n == nil || n.Status.Validators[0].Name != "a" {
		t.Errorf("the status at the end is missing: %+v", n)
	}
}

func TestStopEndsARun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r := run(t, t.TempDir(), network(t, "[{name: a, stake: 5}]", ""), 0)
	r.Timeout = 0
	var out stopper
	out.stop = stop
	r.View, r.Out = Lines, &out
	n, err := Up(ctx, r)
	if err != nil || n.Status.Height < 1 {
		t.Errorf("stopped at %+v, error %v", n, err)
	}
	var ready bool
	for _, c := range n.Status.Conditions {
		ready = ready || c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionTrue
	}
	if !ready {
		t.Errorf("the status at the end is %+v: it must be that of before the nodes stopped", n.Status)
	}
}

// stopper stops the run at the first block it is told.
type stopper struct{ stop func() }

func (s *stopper) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "height 1  ") {
		s.stop()
	}
	return len(b), nil
}

func TestOutThatBreaksEndsTheRun(t *testing.T) {
	r := run(t, t.TempDir(), network(t, "[{name: a, stake: 5}]", ""), 0)
	r.View, r.Out = Lines, broken{}
	if _, err := Up(t.Context(), r); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v, want %v", err, io.ErrClosedPipe)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
