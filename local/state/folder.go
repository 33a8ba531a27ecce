// Package state is the folder in which a laptop keeps one network between
// runs: DIR/NETWORK with the genesis, the authority's key and who runs, and
// below it one folder per validator with its keys, config, log and data.
//
//	network.lock    held by the process that runs the network
//	authority.json  the key that signs changes of stake, owner only
//	members.json    the validators whose nodes run
//	genesis.json    written last when the folder is made: with it, it is whole
//	NAME/           keys.json (owner only), config.json, node.log, data/
//
// A validator's name has no dot, so that no folder is called like a file.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

const (
	lockFile      = "network.lock"
	authorityFile = "authority.json"
	membersFile   = "members.json"
	genesisFile   = "genesis.json"
	keysFile      = "keys.json"
	configFile    = "config.json"
	logFile       = "node.log"
	dataDir       = "data"
	tempEnd       = ".tmp" // of a file that is written beside, to take another's place
)

// maxFileBytes bounds what is read of the folder's small files.
const maxFileBytes = 64 << 10

// Folder is the open folder of one network. One process has it at a time.
type Folder struct {
	path string
	lock io.Closer
}

// Open makes and locks the folder of a network below dir. It fails, changing
// nothing, if something else lies there or if another process runs the network.
func Open(dir, network string) (*Folder, error) {
	path, err := filepath.Abs(filepath.Join(dir, network))
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, and must be a folder: name another place with --dir", path)
	}
	if err := checkUnused(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be made: %w", path, err)
	}
	// Under its real path, so that one process cannot take the lock by two names.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", path, err)
	}
	lock, err := vfs.Default.Lock(filepath.Join(path, lockFile))
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the folder %s cannot be written to: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("network %s is running already: another posnet holds %s; stop that one, or run a second network beside it with another --dir and other ports", network, path)
	}
	return &Folder{path: path, lock: lock}, nil
}

// checkUnused refuses a folder without a genesis in which somebody else's
// files lie.
func checkUnused(path string) error {
	if _, err := os.Stat(filepath.Join(path, genesisFile)); err == nil {
		return nil
	}
	return checkOurs(path)
}

// checkOurs refuses a folder with files that no network's folder has.
func checkOurs(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the folder %s cannot be read: %w", path, err)
	}
	for _, e := range entries {
		if strange := stranger(path, e); strange != "" {
			return fmt.Errorf("%s holds something else than a network of posnet (%s): nothing was changed; name another place with --dir", path, strange)
		}
	}
	return nil
}

// stranger returns the name of what is no part of a network's folder: the
// entry, or something in it. Empty: all is ours.
func stranger(path string, e fs.DirEntry) string {
	if !e.IsDir() {
		switch strings.TrimSuffix(e.Name(), tempEnd) {
		case lockFile, authorityFile, membersFile, genesisFile:
			return ""
		}
		return e.Name()
	}
	inside, err := os.ReadDir(filepath.Join(path, e.Name()))
	if err != nil {
		return e.Name()
	}
	for _, in := range inside {
		switch strings.TrimSuffix(in.Name(), tempEnd) {
		case keysFile, configFile, logFile, logFile + ".1", dataDir:
		default:
			return filepath.Join(e.Name(), in.Name())
		}
	}
	return ""
}

// Path is the folder's absolute path.
func (f *Folder) Path() string { return f.path }

// Close lets another process have the folder.
func (f *Folder) Close() error { return f.lock.Close() }

// Reset deletes the network: chain, keys and all. The folder stays locked. A
// folder in which somebody else's files lie too is left as it is.
func (f *Folder) Reset() error {
	if err := checkOurs(f.path); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return fmt.Errorf("the folder %s cannot be read: %w", f.path, err)
	}
	// The genesis goes first: without it, what is left of an interrupted reset is
	// no network that could go on.
	if err := os.Remove(filepath.Join(f.path, genesisFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the network in %s cannot be deleted: %w", f.path, err)
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(f.path, e.Name())); err != nil {
			return fmt.Errorf("the network in %s cannot be deleted: %w", f.path, err)
		}
	}
	return nil
}

// Genesis reads the genesis; nil and no error where the network has none yet.
func (f *Folder) Genesis() (*genesis.Genesis, error) {
	path := filepath.Join(f.path, genesisFile)
	g, err := genesis.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.checkNoChain()
	}
	if err != nil {
		return nil, damaged(path, err)
	}
	return g, nil
}

// checkNoChain refuses a folder that has blocks and no genesis: a new genesis
// would be another network's.
func (f *Folder) checkNoChain() error {
	found, err := filepath.Glob(filepath.Join(f.path, "*", dataDir))
	if err == nil && len(found) > 0 {
		return fmt.Errorf("%s is missing while %s has blocks: put it back, or start the network anew with --reset", filepath.Join(f.path, genesisFile), found[0])
	}
	return err
}

// WriteGenesis writes the genesis, which stays as it is from then on.
func (f *Folder) WriteGenesis(g *genesis.Genesis) error {
	return replaceFile(filepath.Join(f.path, genesisFile), g.Encode(), 0o644)
}

type members struct {
	Members []string `json:"members"`
}

// Members returns the names of the validators whose nodes ran last: those of
// the manifest of that time, and those that had not left the chain yet.
func (f *Folder) Members() ([]string, error) {
	var m members
	if err := f.readJSON(membersFile, &m); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range m.Members { // which become names of folders
		if err := types.CheckName(name); err != nil {
			return nil, damaged(filepath.Join(f.path, membersFile), err)
		}
	}
	return m.Members, nil
}

// SetMembers notes whose nodes run.
func (f *Folder) SetMembers(names []string) error {
	data, err := json.MarshalIndent(members{names}, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(f.path, membersFile), append(data, '\n'), 0o644)
}

type authority struct {
	Sign types.PrivateKey `json:"sign"`
}

// Authority returns the key that signs changes of stake. It is made where the
// network has no genesis yet, and must be there where it has one.
func (f *Folder) Authority(create bool) (types.PrivateKey, error) {
	var a authority
	err := f.readJSON(authorityFile, &a)
	path := filepath.Join(f.path, authorityFile)
	switch {
	case err == nil && a.Sign.Public().IsZero():
		return types.PrivateKey{}, damaged(path, errors.New(`it holds no key under "sign"`))
	case err == nil:
		return a.Sign, nil
	case !errors.Is(err, fs.ErrNotExist):
		return types.PrivateKey{}, err
	case !create:
		return types.PrivateKey{}, missing(path)
	}
	a.Sign = types.GenerateKey()
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return types.PrivateKey{}, err
	}
	return a.Sign, replaceFile(path, append(data, '\n'), 0o600)
}

// readJSON returns fs.ErrNotExist, wrapped, where there is no such file.
func (f *Folder) readJSON(name string, into any) error {
	path := filepath.Join(f.path, name)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes))
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return damaged(path, err)
	}
	return nil
}

func damaged(path string, why error) error {
	return fmt.Errorf("%s is damaged (%w): put it back as it was, or start the network anew with --reset", path, why)
}

func missing(path string) error {
	return fmt.Errorf("%s is missing: put it back, or start the network anew with --reset", path)
}
