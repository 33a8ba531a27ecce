package screen

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

var update = flag.Bool("update", false, "write the golden files anew")

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var about = About{
	Network: "alpha", Folder: "./.posnet/alpha", Faucet: true, Guests: true,
	Account: types.NewPrivateKey([32]byte{1}).Public().String(),
}

type member struct {
	name  string
	stake int64
	won   int64
}

// snapshot is a network at a height whose validators won as many blocks.
func snapshot(height int64, members ...member) *watch.Snapshot {
	p := 0.434
	s := &watch.Snapshot{
		Time: start.Add(2 * time.Minute), Step: "idle", Pool: message.PoolSize{Records: 2, Bytes: 300}, Records: 412,
		Shares: map[string]watch.Share{},
	}
	st := &s.Status
	st.Phase, st.Height, st.Fairness = v1alpha1.PhaseRunning, height, &v1alpha1.Fairness{Draws: height, PValue: &p, Fair: true}
	if height > 0 {
		st.HeadTime = &metav1.Time{Time: start.Add(118 * time.Second)}
	}
	for _, m := range members {
		st.TotalStake += m.stake
	}
	st.OnlineStake, st.FaultMargin = st.TotalStake, st.TotalStake-(2*st.TotalStake/3+1)
	for i, m := range members {
		api := fmt.Sprintf("127.0.0.1:%d", 9000+i)
		s.Nodes = append(s.Nodes, watch.Node{Name: m.name, API: api})
		st.Validators = append(st.Validators, v1alpha1.ValidatorStatus{
			Name: m.name, Address: api, Stake: m.stake, EffectiveStake: m.stake, Online: true, Height: height, Won: m.won,
		})
		share := watch.Share{Expected: float64(m.stake) / float64(st.TotalStake), Wins: uint64(m.won)}
		if height > 0 {
			share.Won = float64(m.won) / float64(height)
		}
		s.Shares[m.name] = share
	}
	s.Nodes[0].Console, s.Nodes[0].Metrics = "127.0.0.1:9090", "127.0.0.1:9464"
	st.Endpoints.API = "ws://127.0.0.1:9000/ws"
	for h := height; h > max(height-10, 0); h-- {
		st.Winners = append(st.Winners, v1alpha1.Winner{
			Height: h, Validator: members[int(h)%len(members)].name, Hash: types.SumHash([]byte{byte(h)}).String(),
			Round: h % 7 / 6, Time: metav1.Time{Time: start.Add(time.Duration(118-2*(height-h)) * time.Second)}, Records: 1 + h%3,
		})
	}
	return s
}

func quickstart(height int64) *watch.Snapshot {
	return snapshot(height, member{"alice", 40, height * 38 / 100}, member{"bob", 30, height * 33 / 100},
		member{"carol", 20, height * 21 / 100}, member{"dave", 10, height * 8 / 100})
}

func send(m Model, messages ...tea.Msg) Model {
	for _, msg := range messages {
		next, _ := m.Update(msg)
		m = next.(Model)
	}
	return m
}

func key(text string) tea.KeyPressMsg { return tea.KeyPressMsg{Code: []rune(text)[0], Text: text} }

func crowd(n int) *watch.Snapshot {
	var members []member
	for i := range n {
		members = append(members, member{fmt.Sprintf("validator-with-a-name-%d", i), 1 << (i % 54), int64(i)})
	}
	return snapshot(4950, members...)
}

func TestScreens(t *testing.T) {
	size := func(w, h int) tea.Msg { return tea.WindowSizeMsg{Width: w, Height: h} }
	elsewhere := quickstart(128)
	elsewhere.Status.Endpoints.API = "ws://127.0.0.1:9700/ws"
	guests := quickstart(1000)
	guests.Guests, guests.Others = 3, watch.Share{Expected: 0.4, Won: 0.38, Wins: 380}
	degraded := quickstart(128)
	degraded.Status.Phase, degraded.Round, degraded.Step = v1alpha1.PhaseDegraded, 2, "propose"
	degraded.Status.Validators[1].Online = false
	degraded.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionDegraded, Status: "True", Message: "bob is offline"}}
	unfair := quickstart(128)
	*unfair.Status.Fairness.PValue, unfair.Status.Fairness.Fair = 0.0000012, false
	warning := logs.Warning{Node: "bob", Text: "the link to carol is down error=EOF"}

	tests := []struct {
		name     string
		messages []tea.Msg
	}{
		{"80x24", []tea.Msg{size(80, 24), quickstart(128)}},
		{"120x40", []tea.Msg{size(120, 40), quickstart(128)}},
		{"40x15", []tea.Msg{size(40, 15), quickstart(128)}},
		{"80x24-starting", []tea.Msg{size(80, 24)}},
		{"80x24-genesis", []tea.Msg{size(80, 24), quickstart(0)}},
		{"80x24-guests", []tea.Msg{size(80, 24), guests}},
		{"80x24-degraded", []tea.Msg{size(80, 24), degraded, warning}},
		{"80x24-warning-over", []tea.Msg{size(80, 24), unfair, warning, tick(start.Add(3 * time.Minute))}},
		{"80x24-crowd", []tea.Msg{size(80, 24), crowd(100), key("j"), key("j")}},
		{"80x24-help", []tea.Msg{size(80, 24), quickstart(128), key("?")}},
		{"120x40-help-elsewhere", []tea.Msg{size(120, 40), elsewhere, key("?")}},
		{"40x15-help", []tea.Msg{size(40, 15), quickstart(128), key("?")}},
		{"200x50-crowd-end", []tea.Msg{size(200, 50), crowd(60), tea.KeyPressMsg{Code: tea.KeyPgDown}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := send(New(about, start), tt.messages...)
			golden(t, "testdata/"+tt.name+".txt", ansi.Strip(m.render()))
		})
	}
}

// golden compares with a file; go test ./local/screen -update writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	var lines []string
	for _, line := range strings.Split(got, "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	got = strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the screen is\n%s\nwant\n%s", got, want)
	}
}

// Whatever the terminal's size and the network's: the screen has as many lines
// as the terminal, and none is wider, so that nothing wraps or scrolls.
func TestScreenFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		width, height := rapid.IntRange(1, 200).Draw(rt, "width"), rapid.IntRange(1, 60).Draw(rt, "height")
		snap := crowd(rapid.IntRange(1, 100).Draw(rt, "validators"))
		snap.Guests = rapid.IntRange(0, 1).Draw(rt, "guests")
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"j", "k", "?"}), 0, 20).Draw(rt, "keys")
		m := send(New(about, start), snap, tea.WindowSizeMsg{Width: width, Height: height})
		for _, k := range keys {
			m = send(m, key(k))
		}
		if rapid.Bool().Draw(rt, "warned") {
			m = send(m, logs.Warning{Node: "a", Text: strings.Repeat("long ", 50)})
		}
		lines := strings.Split(m.render(), "\n")
		if len(lines) != height {
			rt.Fatalf("%d lines on a terminal of %d:\n%s", len(lines), height, m.render())
		}
		for _, line := range lines {
			if w := ansi.StringWidth(line); w > width {
				rt.Fatalf("a line of %d columns on a terminal of %d: %q", w, width, ansi.Strip(line))
			}
		}
	})
}

func TestKeysStop(t *testing.T) {
	for _, k := range []tea.KeyPressMsg{key("q"), {Code: 'c', Mod: tea.ModCtrl}} {
		_, cmd := New(about, start).Update(k)
		if cmd == nil {
			t.Fatalf("%s does nothing", k)
		}
		if _, quits := cmd().(tea.QuitMsg); !quits {
			t.Errorf("%s does not stop the program", k)
		}
	}
}
