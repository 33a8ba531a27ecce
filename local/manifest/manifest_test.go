package manifest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/manifest"
)

const head = "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: alpha}\nspec:\n"

func read(t *testing.T, text string) *v1alpha1.PosNetwork {
	t.Helper()
	network, err := manifest.Read("m.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return network
}

// What a manifest leaves out is filled in as the design says.
func TestDefaults(t *testing.T) {
	got := read(t, head+"  validators: [{name: alice, stake: 100}]\n").Spec
	want := v1alpha1.PosNetworkSpec{
		Validators: []v1alpha1.Validator{{Name: "alice", Stake: 100}},
		Builder: v1alpha1.Builder{
			When:       "pool.size >= 3 || idle >= duration('10s')",
			Interval:   metav1.Duration{Duration: 3 * time.Second},
			MaxRecords: 20000,
			MaxBytes:   4 << 20,
		},
		Consensus: v1alpha1.Consensus{
			MinBlockInterval: metav1.Duration{Duration: time.Second},
			ProposeTimeout:   metav1.Duration{Duration: 3 * time.Second},
		},
		Ledger:     v1alpha1.Ledger{BlockReward: 1},
		Faucet:     v1alpha1.Faucet{Enabled: true, MaxAmount: 1_000_000},
		Console:    v1alpha1.Console{MaxGuests: 100, MaxBalance: 1_000_000},
		Storage:    v1alpha1.Storage{Size: resource.MustParse("1Gi"), WhenDeleted: v1alpha1.RetainVolumes},
		Disruption: v1alpha1.Disruption{AllowQuorumLoss: true},
	}
	if !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What a manifest says stands, also where it is zero or false, and a
// validator's own rule gets no defaults: they would override the network's.
func TestWhatIsSaidStands(t *testing.T) {
	spec := read(t, head+`
  validators:
    - {name: alice, stake: 9007199254740990, builder: {when: "pool.size >= 10"}}
    - {name: small, stake: 1, replicas: 1}
  builder: {when: idle > duration('1h'), interval: 500ms, maxRecords: 1, maxBytes: 256}
  consensus: {minBlockInterval: 0s, proposeTimeout: 1m30s}
  ledger:
    openAccounts: true
    blockReward: 0
    accounts:
      - {account: bc70b89d-4521-454c-bebc-6c2456074bf2, balance: 1}
      - {account: D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A, balance: 9007199254740990}
  faucet: {enabled: false}
  console: {enabled: true, guests: true, maxGuests: 1, maxBalance: 2}
  storage: {size: 64Mi, storageClassName: "", whenDeleted: Delete, keepBlocks: 1000}
  image: example.org/node:1
  disruption: {allowQuorumLoss: false}
  hibernate: true
  paused: true
  template:
    labels: {team: red}
    resources: {limits: {cpu: 2, memory: 128Mi}}
    tolerations: [{key: spot, operator: Exists}]
    priorityClassName: high
`).Spec
	size := spec.Storage.Size
	for _, ok := range []struct {
		what string
		is   bool
	}{
		{"own rule", *spec.Validators[0].Builder == v1alpha1.BuilderOverride{When: "pool.size >= 10"}},
		{"replicas", spec.Validators[0].Replicas == nil && *spec.Validators[1].Replicas == 1},
		{"builder", spec.Builder == v1alpha1.Builder{When: "idle > duration('1h')", Interval: metav1.Duration{Duration: time.Second / 2}, MaxRecords: 1, MaxBytes: 256}},
		{"consensus", spec.Consensus == v1alpha1.Consensus{ProposeTimeout: metav1.Duration{Duration: 90 * time.Second}}},
		{"ledger", spec.Ledger.OpenAccounts && spec.Ledger.BlockReward == 0 && len(spec.Ledger.Accounts) == 2},
		{"faucet", spec.Faucet == v1alpha1.Faucet{MaxAmount: 1_000_000}},
		{"console", spec.Console == v1alpha1.Console{Enabled: true, Guests: true, MaxGuests: 1, MaxBalance: 2}},
		{"storage", size.Value() == 64<<20 && *spec.Storage.StorageClassName == "" && spec.Storage.WhenDeleted == v1alpha1.DeleteVolumes && spec.Storage.KeepBlocks == 1000},
		{"switches", spec.Image == "example.org/node:1" && !spec.Disruption.AllowQuorumLoss && spec.Hibernate && spec.Paused},
		{"template", spec.Template.Labels["team"] == "red" && spec.Template.Resources.Limits.Memory().Value() == 128<<20 &&
			spec.Template.Tolerations[0].Operator == corev1.TolerationOpExists && spec.Template.PriorityClassName == "high"},
	} {
		if !ok.is {
			t.Errorf("%s: not as the manifest says: %+v", ok.what, spec)
		}
	}
}

// A network written out and read again is the same: no zero of the Go types is
// taken for something left out.
func TestRoundTrip(t *testing.T) {
	for _, text := range []string{
		head + "  validators: [{name: alice, stake: 1}]\n",
		head + "  validators: [{name: alice, stake: 1}]\n  consensus: {minBlockInterval: 0s}\n  faucet: {enabled: false}\n" +
			"  disruption: {allowQuorumLoss: false}\n  ledger: {blockReward: 0}\n  builder: {interval: 59m59.999999999s}\n",
	} {
		first := read(t, text)
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if second := read(t, string(again)); !equality.Semantic.DeepEqual(first, second) {
			t.Errorf("got  %+v\nwant %+v", second, first)
		}
	}
}

// What a cluster adds to an object, as in "kubectl get -o yaml", is no error;
// the status in it is not taken over.
func TestReadsWhatAClusterShows(t *testing.T) {
	network := read(t, `
apiVersion: posnet.dev/v1alpha1
kind: PosNetwork
metadata:
  name: alpha
  namespace: chains
  uid: 0b2f1a8e-6f0c-4a53-8a0e-4f1f5f6f7a11
  resourceVersion: "12"
  generation: 3
  creationTimestamp: "2025-01-02T03:04:05Z"
  labels: {team: red}
spec:
  validators: [{name: alice, stake: 1}]
status: {height: 12, phase: Running}
`)
	if network.Namespace != "chains" || network.Labels["team"] != "red" || network.Status.Height != 0 {
		t.Errorf("got %+v", network)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.yaml")
	text := "# a comment\n---\n" + head + "  validators: [{name: alice, stake: 1}]\n---\n# nothing\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	network, err := manifest.Load(path)
	if err != nil || network.Name != "alpha" || network.Kind != v1alpha1.Kind {
		t.Errorf("got %+v, %v", network, err)
	}

	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer func(was *os.File) { os.Stdin = was }(os.Stdin)
	os.Stdin = f
	if network, err = manifest.Load("-"); err != nil || network.Name != "alpha" {
		t.Errorf("from standard input: got %+v, %v", network, err)
	}

	if _, err = manifest.Load(path + "x"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err = manifest.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: %v", err)
	}
}

func TestSamples(t *testing.T) {
	paths, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("samples: %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			network, err := manifest.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(filepath.Base(path), ".yaml"); network.Name != want {
				t.Errorf("its name is %s, want that of its file", network.Name)
			}
			onlyMinorities(t, network.Spec.Validators)
		})
	}
}

// onlyMinorities checks that any one validator may fail: that none holds a
// third of the stake.
func onlyMinorities(t *testing.T, validators []v1alpha1.Validator) {
	t.Helper()
	var total int64
	for _, v := range validators {
		replicas := int64(1)
		if v.Replicas != nil {
			replicas = int64(*v.Replicas)
		}
		total += v.Stake * replicas
	}
	for _, v := range validators {
		if 3*v.Stake >= total {
			t.Errorf("%s holds %d of %d, a third or more", v.Name, v.Stake, total)
		}
	}
}
