package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// target is one fuzz target.
type target struct {
	folder string // of the package
	path   string // its import path
	pkg    string // the same within the module, such as "./node/p2p"
	name   string // of the function
}

func (t target) String() string { return strings.TrimPrefix(t.pkg, "./") + " " + t.name }

// listed is what go list tells of a package.
type listed struct {
	Dir          string
	ImportPath   string
	Module       struct{ Path string }
	TestGoFiles  []string
	XTestGoFiles []string
}

// findTargets returns the fuzz targets of the module whose package or name has
// only in it, in the order of the packages. It reads the test files rather than
// building them all.
func findTargets(ctx context.Context, only string) ([]target, error) {
	list := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,Module,TestGoFiles,XTestGoFiles", "./...")
	list.Stderr = os.Stderr
	text, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []target
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("what go list says does not read: %w", err)
		}
		names, err := p.targets()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			t := target{folder: p.Dir, path: p.ImportPath, pkg: "." + strings.TrimPrefix(p.ImportPath, p.Module.Path), name: name}
			if strings.Contains(t.String(), only) {
				all = append(all, t)
			}
		}
	}
}

// targets returns the names of the package's fuzz targets, sorted.
func (p *listed) targets() (names []string, err error) {
	for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				names = append(names, f.Name.Name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}
