// Package manifest reads a network's manifest where there is no API server to
// do it. Defaults and validation come from the very CRD that a cluster installs,
// by the API server's own code, so that a manifest that works here works there.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/posnet/posnet/api/v1alpha1"
)

// maxBytes bounds a manifest: the largest that the schema allows, 100
// validators and 250 accounts, takes a tenth of it, and etcd takes no object of
// more than half as much again.
const maxBytes = 1 << 20

// stdin is the path that stands for standard input.
const stdin = "-"

// Load reads the one PosNetwork of the YAML or JSON file at path, or of
// standard input where path is "-", with its defaults filled in. Whatever is
// wrong with its content is told in one *Error. Builder rules are not compiled:
// they have passed as texts only.
func Load(path string) (*v1alpha1.PosNetwork, error) {
	if path == stdin {
		return Read("standard input", os.Stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	defer f.Close()
	return Read(path, f)
}

// Read is Load from a reader; source is what errors call it.
func Read(source string, r io.Reader) (*v1alpha1.PosNetwork, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("manifest: read %s: %w", source, err)
	}
	doc, err := parse(data)
	if err != nil {
		return nil, named(source, err)
	}
	if err := check(doc); err != nil {
		return nil, named(source, err)
	}
	network := &v1alpha1.PosNetwork{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(doc.object, network); err != nil {
		return nil, named(source, problem("", err.Error()))
	}
	return network, nil
}

// named says in a problem report which file it is about.
func named(source string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Source = source
	}
	return err
}
