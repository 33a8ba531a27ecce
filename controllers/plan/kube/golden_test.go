package kube_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/local/manifest"
)

var update = flag.Bool("update", false, "write the golden files anew")

const head = "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: alpha}\nspec:\n"

// What is made of each manifest, to the byte; go test ./controllers/plan/kube
// -update writes the golden files anew.
func TestObjects(t *testing.T) {
	sample := func(t *testing.T, name string) *v1alpha1.PosNetwork {
		n, err := manifest.Load("../../../config/samples/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		return born(n)
	}
	for name, make := range map[string]func(t *testing.T) kube.Input{
		"quickstart": func(t *testing.T) kube.Input { return input(t, sample(t, "quickstart")) },
		"classroom":  func(t *testing.T) kube.Input { return input(t, sample(t, "classroom")) },
		"replicas": func(t *testing.T) kube.Input {
			return input(t, network(t, head+"  validators: [{name: small, stake: 1, replicas: 2}, {name: small-2, stake: 1}]\n"))
		},
		"departing": func(t *testing.T) kube.Input {
			return input(t, network(t, head+"  validators: [{name: alice, stake: 1}]\n"), "mallory")
		},
		"hibernate": func(t *testing.T) kube.Input {
			return input(t, network(t, head+"  validators: [{name: alice, stake: 1}]\n  hibernate: true\n"))
		},
		"delete": func(t *testing.T) kube.Input {
			return input(t, network(t, head+"  validators: [{name: alice, stake: 1}]\n  storage: {size: 5Gi, storageClassName: fast, whenDeleted: Delete}\n"))
		},
		"heavy": func(t *testing.T) kube.Input {
			return input(t, network(t, head+"  validators: [{name: alice, stake: 100}, {name: bob, stake: 20}, {name: carol, stake: 20}]\n  disruption: {allowQuorumLoss: false}\n"))
		},
		"template": func(t *testing.T) kube.Input { return input(t, network(t, head+ownTemplate)) },
	} {
		t.Run(name, func(t *testing.T) {
			got := text(t, objects(t, make(t)))
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the objects are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// ownTemplate sets all that a manifest may say of its pods, and tries to take
// the operator's own labels and annotations.
const ownTemplate = `  validators: [{name: alice, stake: 1}]
  image: mirror.example/node:v2
  template:
    labels: {team: chain, posnet.dev/validator: bob, app.kubernetes.io/name: other}
    annotations: {note: mine, posnet.dev/config-hash: none}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 1Gi}}
    nodeSelector: {disk: ssd}
    tolerations: [{key: chain, operator: Exists, effect: NoSchedule}]
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]
    topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {team: chain}}}
    priorityClassName: high
    runtimeClassName: gvisor
    imagePullPolicy: Always
    imagePullSecrets: [{name: mirror}]
`

func text(t *testing.T, o *kube.Objects) string {
	t.Helper()
	var b strings.Builder
	for _, one := range o.All() {
		y, err := yaml.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("---\n")
		b.Write(y)
	}
	return b.String()
}
