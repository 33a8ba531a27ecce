package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// How a laptop lays out a network: DIR/NETWORK/genesis.json and
// DIR/NETWORK/VALIDATOR/data.
const (
	genesisFile = "genesis.json"
	dataDir     = "data"
	stampFile   = "IDENTITY" // is in every data folder
)

// Folders returns the data folders that a path stands for: itself, that of one
// validator, or those of all validators of a network.
func Folders(path string) ([]string, error) {
	for _, dir := range []string{path, filepath.Join(path, dataDir)} {
		if isData(dir) {
			return []string{dir}, nil
		}
	}
	var found []string
	if _, err := os.Stat(filepath.Join(path, genesisFile)); err == nil {
		all, err := filepath.Glob(filepath.Join(path, "*", dataDir))
		if err != nil {
			return nil, fmt.Errorf("the folder %s cannot be read: %w", path, err)
		}
		for _, dir := range all {
			if isData(dir) {
				found = append(found, dir)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no chain: it must be a node's data folder, such as .posnet/quickstart/alice/data, or a network's folder, such as .posnet/quickstart", path)
	}
	return found, nil
}

func isData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, stampFile))
	return err == nil
}

// Folder is the data folder of a node that does not run.
type Folder struct {
	dir    string
	kept   *storage.Kept
	beside beside
}

// OpenFolder opens a data folder to be read; nothing in it is changed. It fails
// if a node runs on it.
func OpenFolder(dir string) (*Folder, error) {
	kept, err := storage.OpenToRead(dir, nil)
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir, kept: kept, beside: beside{kept: kept, oldest: kept.Oldest()}}, nil
}

// Label implements Source.
func (f *Folder) Label() string { return f.dir }

// Validator is the name of the validator whose folder it is.
func (f *Folder) Validator() string { return f.kept.Identity.Name }

// Network implements Source.
func (f *Folder) Network() types.Hash { return f.kept.Identity.Network }

// Genesis implements Source: it is the file of the network's folder, where the
// data folder lies in one.
func (f *Folder) Genesis(context.Context) (*genesis.Genesis, string, error) {
	path := filepath.Join(f.dir, "..", "..", genesisFile)
	g, err := genesis.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%s has no genesis file with it (%s was looked for): name the network's with --genesis FILE", f.dir, path)
	}
	return g, path, err
}

// Head implements Source.
func (f *Folder) Head() uint64 { return f.kept.Head() }

// Oldest implements Source.
func (f *Folder) Oldest() uint64 { return f.kept.Oldest() }

// Read implements Source.
func (f *Folder) Read(ctx context.Context, yield func(Piece) bool) error {
	next, err := f.Oldest(), error(nil)
	readErr := f.kept.Blocks(0, func(height uint64, block, certificate []byte) bool {
		if height != next {
			err = missing(next, height)
			return false
		}
		next++
		return ctx.Err() == nil && yield(func() ([]Block, error) { return decode(height, block, certificate) })
	})
	switch {
	case err != nil:
		return err
	case readErr != nil:
		return &validity.Fault{Height: next, Where: "block", What: readErr.Error()}
	}
	return ctx.Err()
}

func missing(height, after uint64) error {
	return &validity.Fault{Height: height, Where: "block", What: fmt.Sprintf("it is missing: the next that is there is %d", after)}
}

func decode(height uint64, rawBlock, rawCertificate []byte) ([]Block, error) {
	block, err := types.DecodeBlock(rawBlock)
	if err != nil {
		return nil, &validity.Fault{Height: height, Where: "block", What: err.Error()}
	}
	certificate, err := types.DecodeCertificate(rawCertificate)
	if err != nil {
		return nil, &validity.Fault{Height: height, Where: "certificate", What: err.Error()}
	}
	return []Block{{Block: block, Certificate: certificate}}, nil
}

// Compare implements Source: every entry of the stored state is held against
// the state that the blocks lead to. A stored state of neither height is held
// against that after Head.
func (f *Folder) Compare(state *ledger.State) error {
	at, err := ledger.StoredHeight(f.kept.State)
	late := err == nil && at+1 == f.Head()
	if late != (state.Height()+1 == f.Head()) {
		return nil
	}
	err = state.Compare(f.kept.State)
	var d *ledger.Difference
	switch {
	case errors.As(err, &d):
		return &validity.Fault{Height: state.Height(), Where: "stored state: " + d.Entry, What: "it is not what the blocks lead to", Expected: d.Expected, Found: d.Found}
	case err != nil:
		return &validity.Fault{Height: state.Height(), Where: "stored state", What: err.Error()}
	}
	return nil
}

// Close implements Source.
func (f *Folder) Close() error { return f.kept.Close() }
