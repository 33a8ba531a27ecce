package engine

import (
	"time"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

const (
	// windowBytes is about how much of a snapshot is held in memory for a peer, to
	// be sent next. The state is stored in another order than it is handed on, so
	// that each window takes a walk over all of it.
	windowBytes = 8 << 20
	// maxServed is how many peers get parts of snapshots at once. Each has a window
	// of its own: were there one for all, two that are at different parts would have
	// the state walked for each part of 512 KiB. So all windows take 32 MiB at most.
	// And a peer that waits for the others' walks, each with the keeper's rest, must
	// not lose patience: on a busy machine a walk takes 0.7 s for a million accounts,
	// so that even if all four need one at the same time, three million are handed on
	// in time. Another peer gets no offer, and asks elsewhere.
	maxServed = 4
	// servedPatience is how long a place is held for a peer that asks for nothing: as
	// long as it waits for an answer itself.
	servedPatience = snapshotPatience
)

// serving is the peers that are served parts of snapshots. It belongs to the
// keeper's goroutine.
type serving struct {
	window int // bytes
	peers  map[types.PublicKey]*place
}

// place is that of one peer.
type place struct {
	last   time.Time // when it asked, or was answered
	window *window   // nil: it has asked for no part
}

// window is parts of a snapshot in a row, as they are sent.
type window struct {
	of    *kept
	first int
	parts [][]byte
}

func (w *window) part(of *kept, index int) []byte {
	if w == nil || w.of != of || index < w.first || index >= w.first+len(w.parts) {
		return nil
	}
	return w.parts[index-w.first]
}

func newServing() serving {
	return serving{window: windowBytes, peers: map[types.PublicKey]*place{}}
}

// admit returns a peer's place, nil if all are taken by others.
func (s *serving) admit(peer types.PublicKey) *place {
	p := s.peers[peer]
	if p == nil {
		for other, o := range s.peers {
			if time.Since(o.last) >= servedPatience {
				delete(s.peers, other)
			}
		}
		if len(s.peers) >= maxServed {
			return nil
		}
		p = &place{}
		s.peers[peer] = p
	}
	p.last = time.Now()
	return p
}

// answered notes that a peer has got something: from now on it is its turn.
func (s *serving) answered(peer types.PublicKey) {
	if p := s.peers[peer]; p != nil {
		p.last = time.Now()
	}
}

// drop lets go of what is in memory of a snapshot.
func (s *serving) drop(k *kept) {
	for _, p := range s.peers {
		if p.window != nil && p.window.of == k {
			p.window = nil
		}
	}
}

// part returns a part of a snapshot that has so many, for a peer; nil if there is no
// place for it. Whoever gets the last one needs no place any more.
func (s *serving) part(to types.PublicKey, of *kept, index int) ([]byte, error) {
	p := s.admit(to)
	if p == nil {
		return nil, nil
	}
	if p.window.part(of, index) == nil {
		if err := s.move(p, of, index); err != nil {
			return nil, err
		}
	}
	if index == of.cut.Parts()-1 {
		delete(s.peers, to)
	}
	return p.window.part(of, index), nil
}

// move has a peer's window hold a part. Windows begin at the same parts for all, so
// that peers which began about the same time share them.
func (s *serving) move(p *place, of *kept, index int) (err error) {
	p.window = nil
	for _, o := range s.peers {
		if o.window.part(of, index) != nil {
			p.window = o.window
			return nil
		}
	}
	size := max(1, s.window/max(1, of.cut.Bytes/of.cut.Parts()))
	first := index - index%size
	p.window, err = readWindow(of, first, min(of.cut.Parts(), first+size))
	return err
}

// readWindow reads the parts of a snapshot from one on and before an end.
func readWindow(of *kept, first, end int) (*window, error) {
	entries := make([][]ledger.Change, end-first)
	err := of.view.State(func(key, value []byte) error {
		if part := of.cut.PartOf(key); part >= first && part < end {
			both := append(append(make([]byte, 0, len(key)+len(value)), key...), value...)
			entries[part-first] = append(entries[part-first], ledger.Change{Key: both[:len(key):len(key)], Value: both[len(key):]})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w := &window{of: of, first: first, parts: make([][]byte, len(entries))}
	for i, list := range entries {
		w.parts[i] = encodeEntries(list)
		entries[i] = nil
	}
	return w, nil
}
