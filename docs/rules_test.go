package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/builder"
)

var (
	// ruleRow is a table row of rules.md whose last cell is a rule.
	ruleRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| `(.+)` \\|$")
	// specBlock is the manifest's part that rules.md begins with.
	specBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	// brokenRule is the rule that rules.md has bob break his with.
	brokenRule = regexp.MustCompile("With\n`({when: .+})` for bob:")
	refusal    = regexp.MustCompile("(?s)\\$ posnet up -f broken.yaml\n(.*?)```")
)

func TestRulesCompile(t *testing.T) {
	rows := ruleRow.FindAllStringSubmatch(readRules(t), -1)
	if len(rows) < 9 {
		t.Fatalf("rules.md shows %d rules by example: at least 9 were there", len(rows))
	}
	for _, row := range rows {
		rule := strings.ReplaceAll(row[1], `\|`, "|")
		if _, err := builder.Compile(rule); err != nil {
			t.Errorf("rules.md: %v", err)
		}
	}
}

// TestRuleIsRefused types the command that rules.md ends with, for its own
// manifest with the broken rule in it.
func TestRuleIsRefused(t *testing.T) {
	text := readRules(t)
	spec, rule, shown := specBlock.FindStringSubmatch(text), brokenRule.FindStringSubmatch(text), refusal.FindStringSubmatch(text)
	if spec == nil || rule == nil || shown == nil {
		t.Fatal("rules.md has no manifest, no broken rule or no refusal")
	}
	const own = `{when: "pool.size >= 10"}`
	broken := strings.Replace(spec[1], own, rule[1], 1)
	if broken == spec[1] {
		t.Fatalf("bob's rule in rules.md is not %s", own)
	}
	dir := t.TempDir()
	manifest := "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: broken}\n" + broken
	if err := os.WriteFile(filepath.Join(dir, "broken.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(buildPosnet(t), "up", "-f", "broken.yaml")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("posnet runs a broken rule:\n%s", out)
	}
	if got, want := strings.Join(strings.Fields(string(out)), " "), strings.Join(strings.Fields(shown[1]), " "); got != want {
		t.Errorf("rules.md shows the refusal\n%s\nit is\n%s", want, got)
	}
}

func readRules(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("rules.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
