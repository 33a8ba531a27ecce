//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
)

const quickstartFile = "config/samples/quickstart.yaml"

// quickstart is the sample's network: made where there is none, and running.
func (w *world) quickstart(t *testing.T) *network {
	t.Helper()
	n := w.network("quickstart")
	if err := n.kube.Get(t.Context(), n.key, &v1alpha1.PosNetwork{}); apierrors.IsNotFound(err) {
		n.applySample(t)
	}
	n.awaitRunning(t)
	return n
}

func (n *network) applySample(t *testing.T) {
	t.Helper()
	manifest, err := os.ReadFile(n.host.Path(quickstartFile))
	must(t, err)
	n.apply(t, string(manifest))
}

// quickstartStory: the sample is applied, and its status tells of blocks, of who won
// them, and of the validators.
func quickstartStory(t *testing.T, w *world) {
	n := w.network("quickstart")
	began := time.Now()
	n.applySample(t)
	n.awaitHeight(t, 1)
	t.Logf("measured: %s from apply to height 1 (goal 10s)", time.Since(began).Round(100*time.Millisecond))
	n.awaitHeight(t, 5)
	now := n.awaitRunning(t)
	checkStatus(t, now)
	n.measureLag(t)
	n.checkColumns(t)
}

func checkStatus(t *testing.T, now *v1alpha1.PosNetwork) {
	t.Helper()
	s := now.Status
	for condition, want := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionProgressing: metav1.ConditionFalse, v1alpha1.ConditionDegraded: metav1.ConditionFalse,
		v1alpha1.ConditionQuorumLost: metav1.ConditionFalse, v1alpha1.ConditionDiverged: metav1.ConditionFalse,
	} {
		if !meta.IsStatusConditionPresentAndEqual(s.Conditions, condition, want) {
			t.Errorf("condition %s is %+v, want %s", condition, meta.FindStatusCondition(s.Conditions, condition), want)
		}
	}
	if s.TotalStake != 100 || s.OnlineStake != 100 || s.FaultMargin != 33 || s.ValidatorsOnline != "4/4" {
		t.Errorf("stakes are told as total %d, online %d, margin %d, validators %s", s.TotalStake, s.OnlineStake, s.FaultMargin, s.ValidatorsOnline)
	}
	if len(s.Winners) < 5 {
		t.Fatalf("%d winners are told at height %d", len(s.Winners), s.Height)
	}
	for i, winner := range s.Winners {
		if winner.Height != s.Height-int64(i) || !slices.Contains([]string{"alice", "bob", "carol", "dave"}, winner.Validator) || len(winner.Hash) != 64 {
			t.Errorf("winner %d of height %d is told as %+v", i, s.Height, winner)
		}
	}
	if s.HeadHash != s.Winners[0].Hash {
		t.Errorf("the head is %s, the newest winner's block %s", s.HeadHash, s.Winners[0].Hash)
	}
	for _, v := range s.Validators {
		if !v.Online || v.EffectiveStake != v.Stake || v.Address == "" {
			t.Errorf("validator %s is told as %+v", v.Name, v)
		}
	}
	if !strings.HasPrefix(s.Endpoints.API, "ws://") {
		t.Errorf("endpoints are %+v", s.Endpoints)
	}
}

// measureLag tells how long blocks take from a node into the status.
func (n *network) measureLag(t *testing.T) {
	t.Helper()
	c := n.dial(t, "alice")
	ctx := within(t, patience)
	news, err := c.Subscribe(ctx, message.TopicWinners)
	must(t, err)
	longest := time.Duration(0)
	for range 3 {
		var seen time.Time
		var height int64
		for e := range news.News {
			seen, height = time.Now(), int64(e.Winner.Height)
			if len(news.News) == 0 { // the newest
				break
			}
		}
		must(t, c.Err())
		n.awaitHeight(t, height)
		longest = max(longest, time.Since(seen))
	}
	t.Logf("measured: at most %s from a block to the status (goal 5s)", longest.Round(100*time.Millisecond))
}

// checkColumns checks what "kubectl get posnet" shows.
func (n *network) checkColumns(t *testing.T) {
	t.Helper()
	text, err := n.typed.CoreV1().RESTClient().Get().AbsPath("/apis/posnet.dev/v1alpha1/namespaces/"+n.key.Namespace+"/posnetworks/"+n.key.Name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(within(t, patience))
	must(t, err)
	var table metav1.Table
	must(t, json.Unmarshal(text, &table))
	var names []string
	for _, c := range table.ColumnDefinitions {
		names = append(names, c.Name)
	}
	if want := []string{"Name", "Phase", "Height", "Winner", "Validators", "Online stake", "Age"}; !slices.Equal(names, want) || len(table.Rows) != 1 {
		t.Fatalf("the columns are %q in %d rows, want %q in 1", names, len(table.Rows), want)
	}
	t.Log("kubectl get posnet:", names, table.Rows[0].Cells)
	if cells := table.Rows[0].Cells; cells[1] != "Running" || cells[4] != "4/4" {
		t.Errorf("they hold %v", cells)
	}
}
