package page

import (
	"os"
	"path/filepath"
	"testing"
)

const before = "# A page\n\n<!-- begin one: written by a command -->\nold\n<!-- end one -->\n\n<!-- begin two: by another -->\n<!-- end two -->\nthe end\n"

func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing changes
		for _, name := range []string{"one", "two"} {
			if err := Write(file, name, "\n| "+name+" |\n"); err != nil {
				t.Fatal(err)
			}
		}
		const want = "# A page\n\n<!-- begin one: written by a command -->\n\n| one |\n\n<!-- end one -->\n\n<!-- begin two: by another -->\n\n| two |\n\n<!-- end two -->\nthe end\n"
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("the page is\n%s\nerror %v", got, err)
		}
	}
}

func TestWriteNeedsItsPlace(t *testing.T) {
	for _, bad := range []string{"", "<!-- begin x: y -->\n", "<!-- end x -->", "<!-- begin x: y -->", "<!-- end x -->\n<!-- begin x: y -->\n"} {
		if out, err := insert(bad, "x", "text"); err == nil {
			t.Errorf("%q becomes %q", bad, out)
		}
	}
}
