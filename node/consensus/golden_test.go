package consensus

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata with what the core does now")

// TestTranscripts plays the scripts of testdata. A line that begins with two
// spaces is what the core did upon the command above it; a # begins a comment.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s\nreview the change with: go test ./node/consensus -run TestTranscripts -update && git diff", firstDifference(got, string(want)))
		})
	}
}

func play(t *testing.T, text string) string {
	s := &script{t: t}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line)
		if command := strings.TrimSpace(line); command != "" && command[0] != '#' {
			out.WriteString(s.run(command))
		}
	}
	return out.String()
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "line " + strings.Join([]string{w[i], "is now", g[i], "after", strings.Join(g[max(0, i-5):i], "\n")}, "\n")
		}
	}
	return "one transcript is longer than the other"
}
