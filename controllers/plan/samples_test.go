package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/local/manifest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The samples' topologies, to the byte; go test ./controllers/plan -update
// writes them anew.
func TestTopologyOfTheSamples(t *testing.T) {
	samples, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range samples {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			network, err := manifest.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			in := input(&network.Spec)
			in.Name = network.Name
			got := encode(t, in)
			golden := filepath.Join("testdata", name+".txt")
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
				t.Errorf("the topology is\n%s\nwant\n%s", got, want)
			}
		})
	}
}
