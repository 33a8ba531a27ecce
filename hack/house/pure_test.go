package house

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pure are the folders whose packages decide and do not act. What they may
// import, the linter says.
var pure = []string{
	"node/lottery", "node/consensus", "node/ledger", "node/validity", "node/replay",
	"controllers/plan", "controllers/rollout", "controllers/health",
}

// A pure package starts no goroutine and talks to none.
func TestPurePackagesRunInOneGoroutine(t *testing.T) {
	files := 0
	for _, folder := range pure {
		root := filepath.Join("..", "..", folder)
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a folder that is yet to come
			}
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			for _, breach := range concurrency(t, path, nil) {
				t.Error(breach)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files == 0 {
		t.Error("no file was checked")
	}
}

func TestConcurrencyIsFound(t *testing.T) {
	got := concurrency(t, "x.go", `package x
func f(c chan int) {
	go f(c)
	select {}
	for range func(yield func() bool) {} {}
}`)
	want := []string{"x.go:2: a channel", "x.go:3: a goroutine", "x.go:4: a select"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// concurrency lists what a file has to do with goroutines; source may be nil.
func concurrency(t *testing.T, path string, source any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		what := ""
		switch n.(type) {
		case *ast.GoStmt:
			what = "a goroutine"
		case *ast.ChanType:
			what = "a channel"
		case *ast.SelectStmt:
			what = "a select"
		}
		if what != "" {
			found = append(found, fmt.Sprintf("%s:%d: %s", path, files.Position(n.Pos()).Line, what))
		}
		return true
	})
	return found
}
