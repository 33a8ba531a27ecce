package storage

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/posnet/posnet/node/types"
)

// NewMemory returns a store and a sign log that live as long as the process,
// for tests and for nodes without a data folder.
func NewMemory() *Data {
	return &Data{
		Store:   &memoryStore{places: map[types.Hash]place{}, state: map[string][]byte{}, aux: map[string][]byte{}, staged: map[string][]byte{}},
		SignLog: &memorySignLog{},
	}
}

type place struct {
	height uint64
	index  uint32
}

type memoryBlock struct{ block, certificate []byte }

// memoryStore is the Store in memory.
type memoryStore struct {
	mu     sync.RWMutex
	base   uint64        // the height below the first block's
	blocks []memoryBlock // of height base+1 and up
	places map[types.Hash]place
	state  map[string][]byte
	aux    map[string][]byte
	staged map[string][]byte
	closed bool
}

// Head implements Store.
func (m *memoryStore) Head() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head()
}

func (m *memoryStore) head() uint64 { return m.base + uint64(len(m.blocks)) }

// Oldest implements Store.
func (m *memoryStore) Oldest() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.base + 1
}

// Block implements Store.
func (m *memoryStore) Block(height uint64) (block, certificate []byte, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if height <= m.base || height > m.head() {
		return nil, nil, ErrNotFound
	}
	b := m.blocks[height-m.base-1]
	return bytes.Clone(b.block), bytes.Clone(b.certificate), nil
}

// Blocks implements Store.
func (m *memoryStore) Blocks(from uint64, yield func(height uint64, block, certificate []byte) bool) error {
	for height, head := max(from, m.Oldest()), m.Head(); height <= head; height++ {
		block, certificate, err := m.Block(height)
		if err != nil || !yield(height, block, certificate) {
			return err
		}
	}
	return nil
}

// Place implements Store.
func (m *memoryStore) Place(id types.Hash) (height uint64, index uint32, ok bool, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p, ok := m.places[id]
	return p.height, p.index, ok, nil
}

// State implements Store.
func (m *memoryStore) State(yield func(key, value []byte) error) error {
	return m.view().State(yield)
}

func (m *memoryStore) view() memoryView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return maps.Clone(m.state)
}

// View implements Store.
func (m *memoryStore) View() (View, error) { return m.view(), nil }

// memoryView is the View of the store in memory.
type memoryView map[string][]byte

// State implements View.
func (v memoryView) State(yield func(key, value []byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if err := yield([]byte(key), v[key]); err != nil {
			return err
		}
	}
	return nil
}

// Close implements View.
func (v memoryView) Close() error { return nil }

// Aux implements Store.
func (m *memoryStore) Aux(key []byte) (value []byte, ok bool, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok = m.aux[string(key)]
	return bytes.Clone(value), ok, nil
}

// AuxRange implements Store.
func (m *memoryStore) AuxRange(prefix, from []byte, limit int) ([]Change, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	first := string(prefix) + string(from)
	var list []Change
	for key, value := range m.aux {
		if strings.HasPrefix(key, string(prefix)) && key >= first {
			list = append(list, Change{Key: []byte(key), Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return bytes.Compare(a.Key, b.Key) })
	return list[:min(len(list), max(limit, 0))], nil
}

// Commit implements Store.
func (m *memoryStore) Commit(heights ...Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stateless := func() (bool, error) { return len(m.state) == 0, nil }
	if err := checkAll(heights, m.head(), stateless); err != nil {
		return err
	}
	if m.closed {
		return errClosed
	}
	for _, c := range heights {
		m.commit(c)
	}
	return nil
}

func (m *memoryStore) commit(c Commit) {
	if c.Height > 0 {
		m.blocks = append(m.blocks, memoryBlock{bytes.Clone(c.Block), bytes.Clone(c.Certificate)})
	}
	for i, id := range c.Records {
		m.places[id] = place{c.Height, uint32(i)}
	}
	change(m.state, c.State)
	change(m.aux, c.Aux)
}

func change(entries map[string][]byte, changes []Change) {
	for _, c := range changes {
		if c.Value == nil {
			delete(entries, string(c.Key))
		} else {
			entries[string(c.Key)] = bytes.Clone(c.Value)
		}
	}
}

// Put implements Store.
func (m *memoryStore) Put(aux ...Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	change(m.aux, aux)
	return nil
}

// Prune implements Store.
func (m *memoryStore) Prune(p Pruned) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := p.check(m.base+1, m.head()); err != nil {
		return err
	}
	if m.closed {
		return errClosed
	}
	m.base++
	m.blocks = slices.Delete(m.blocks, 0, 1)
	for _, id := range p.Records {
		delete(m.places, id)
	}
	change(m.aux, p.Aux)
	return nil
}

// Stage implements Store.
func (m *memoryStore) Stage(entries ...Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	change(m.staged, entries)
	return nil
}

// Unstage implements Store.
func (m *memoryStore) Unstage() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.staged)
	return nil
}

// Install implements Store.
func (m *memoryStore) Install(i Installed) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := i.check(m.head()); err != nil {
		return err
	}
	if m.closed {
		return errClosed
	}
	m.base, m.blocks, m.places = i.Height, nil, map[types.Hash]place{}
	m.state, m.staged = m.staged, map[string][]byte{}
	maps.DeleteFunc(m.aux, func(key string, _ []byte) bool {
		return slices.ContainsFunc(i.Drop, func(prefix []byte) bool { return strings.HasPrefix(key, string(prefix)) })
	})
	change(m.aux, i.Aux)
	return nil
}

// Close implements Store.
func (m *memoryStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// memorySignLog is the SignLog in memory.
type memorySignLog struct {
	mu      sync.Mutex
	entries []SignEntry
	used    bool
	closed  bool
}

// Entries implements SignLog.
func (m *memorySignLog) Entries() ([]SignEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.entries)
	for i := range out {
		out[i].Data = bytes.Clone(out[i].Data)
	}
	return out, nil
}

// Append implements SignLog.
func (m *memorySignLog) Append(entries ...SignEntry) error {
	if err := checkSignSize(entries); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	for _, e := range entries {
		e.Data = bytes.Clone(e.Data)
		m.entries = append(m.entries, e)
		m.used = true
	}
	return nil
}

// Prune implements SignLog.
func (m *memorySignLog) Prune(below uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	m.entries = slices.DeleteFunc(m.entries, func(e SignEntry) bool { return e.Height < below })
	return nil
}

// Fresh implements SignLog.
func (m *memorySignLog) Fresh() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.used
}

// Close implements SignLog.
func (m *memorySignLog) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
