package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/posnet/posnet/local/manifest"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ (.+)$`)
	yamlBlock    = regexp.MustCompile("(?s)```yaml\n(apiVersion: .*?)```")
)

// TestLinks follows every link within the repository, to its heading.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range words(markdownLink, string(text)) {
			if strings.Contains(link, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(link, "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, link, err)
			} else if anchor != "" && !hasHeading(t, target, anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", page, link, target)
			}
		}
	}
}

// hasHeading reports whether a page has a heading that makes an anchor.
func hasHeading(t *testing.T, page, anchor string) bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range words(heading, string(text)) {
		if strings.ReplaceAll(strings.ToLower(title), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// The manifest that the README begins with is one that would run.
func TestReadmeManifest(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := yamlBlock.FindSubmatch(text)
	if block == nil {
		t.Fatal("the README shows no manifest")
	}
	if _, err := manifest.Read("README.md", bytes.NewReader(block[1])); err != nil {
		t.Error(err)
	}
}
