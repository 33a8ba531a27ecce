package p2p

import (
	"bytes"
	"slices"
	"time"

	"github.com/posnet/posnet/node/types"
)

// pair holds the links to one peer by LinkKind; index 0 is not used.
type pair [len(linkKinds) + 1]*link

func (p *pair) both() bool { return p[VoteLink] != nil && p[BulkLink] != nil }

// peer is what the mesh holds of one peer. Mesh.mu guards it, but for Key,
// which does not change.
type peer struct {
	Peer
	configured bool
	dialing    *dialing // nil: nobody keeps its links up
	links      pair
	claimed    [len(linkKinds) + 1]bool // by LinkKind: see claim
	told       pair                     // what LinkUp last told of, unless LinkDown was told since
	telling    bool                     // a goroutine calls the Handler for this peer
	problem    string
}

// attach puts a proved link into its place and reports whether it got it. seen
// is the link that was in the place when this node last spoke before the other
// end proved itself, or nil.
//
// Both ends may dial at once, and must choose the same of two links: the one
// dialed by the smaller key. That end claims the place while its handshake
// runs, and takes none that the other dialed; so one of the two never comes up.
//
// Who dials a link that this end holds already has lost it, even if this end
// has not noticed yet: a dialer proves itself only after it looked, having
// heard the listener's hello, and found its own place empty. So the new link
// takes the place of seen. If the place was taken since, the dialer is about to
// find so too, or tries again.
func (m *Mesh) attach(l *link, key types.PublicKey, name string, seen *link) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	p := m.peers[key]
	if p == nil {
		p = &peer{Peer: Peer{Name: name, Key: key, Address: l.remote}}
		m.peers[key] = p
	}
	present := p.links[l.kind]
	if l.inbound && p.claimed[l.kind] || present != nil && present != seen {
		return false
	}
	if present != nil {
		p.problem = errReplaced.Error()
	}
	l.peer, l.before, l.since = p, present, time.Now()
	p.links[l.kind] = l
	l.metrics.up.Inc()
	return true
}

// claim reports whether a place is empty for a link that this node is about to
// dial. If its key is the smaller one, it keeps the place until release.
func (m *Mesh) claim(key types.PublicKey, kind LinkKind) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[key]
	if p == nil {
		return false // configured no longer
	}
	empty := p.links[kind] == nil
	p.claimed[kind] = empty && m.isSmaller(key)
	return empty
}

func (m *Mesh) release(key types.PublicKey, kind LinkKind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[key]; p != nil {
		p.claimed[kind] = false
	}
}

// isSmaller reports whether this node's key comes before another.
func (m *Mesh) isSmaller(than types.PublicKey) bool { return bytes.Compare(m.self[:], than[:]) < 0 }

// detach takes a link that has ended out of its place, if it still holds it.
func (m *Mesh) detach(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.peer.links[l.kind] == l {
		l.peer.links[l.kind] = nil
		l.peer.problem = "the " + l.kind.String() + " link was lost: " + plain(l.reason).Error()
	}
	l.metrics.up.Dec()
	close(l.gone)
	m.forget(l.peer)
}

// forget drops a peer that is not configured and is gone, so that the table
// stays as small as the network. The caller holds m.mu.
func (m *Mesh) forget(p *peer) {
	idle := !p.telling && p.links == (pair{}) && p.told == (pair{}) && p.dialing == nil
	if idle && !p.configured && m.peers[p.Key] == p {
		delete(m.peers, p.Key)
	}
}

// tell calls the Handler until it was told how things stand with a peer. One
// goroutine does so at a time, so that calls come in order and never two at
// once; others leave the news to it.
func (m *Mesh) tell(p *peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.telling {
		return
	}
	p.telling = true
	for {
		call := m.news(p)
		if call == nil {
			break
		}
		m.mu.Unlock()
		call(p.Key)
		m.mu.Lock()
	}
	p.telling = false
	m.forget(p)
}

// news returns the next call of the Handler that is due for a peer, or nil, and
// takes it for made. The caller holds m.mu.
func (m *Mesh) news(p *peer) func(types.PublicKey) {
	switch {
	case p.told[VoteLink] != nil && p.told[VoteLink] != p.links[VoteLink]:
		p.told = pair{}
		m.log.Info("peer lost", "peer", p.Name, "key", p.Key.Short(), "why", p.problem)
		return m.config.Handler.LinkDown
	case p.links.both() && p.links != p.told:
		p.told, p.problem = p.links, ""
		m.log.Info("peer linked", "peer", p.Name, "key", p.Key.Short())
		return m.config.Handler.LinkUp
	}
	return nil
}

// current returns the link that holds a place, or nil.
func (m *Mesh) current(key types.PublicKey, kind LinkKind) *link {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if p := m.peers[key]; p != nil {
		return p.links[kind]
	}
	return nil
}

// note keeps why a peer cannot be linked, for Peers, and reports whether that
// is news.
func (m *Mesh) note(key types.PublicKey, problem string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[key]
	if p == nil || p.links.both() || p.problem == problem {
		return false
	}
	p.problem = problem
	return true
}

// Peers lists the configured peers in the order of the config, then others
// that are linked, by key.
func (m *Mesh) Peers() []PeerInfo {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list, others []PeerInfo
	for _, key := range m.listed {
		list = append(list, m.peers[key].info())
	}
	for _, p := range m.peers {
		if !p.configured {
			others = append(others, p.info())
		}
	}
	slices.SortFunc(others, func(a, b PeerInfo) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return append(list, others...)
}

func (p *peer) info() PeerInfo {
	info := PeerInfo{
		Name: p.Name, Key: p.Key, Address: p.Address,
		Vote: p.links[VoteLink] != nil, Bulk: p.links[BulkLink] != nil,
		Problem: p.problem,
	}
	if p.links.both() {
		info.Problem = ""
		info.Since = p.links[VoteLink].since
		if bulk := p.links[BulkLink].since; bulk.After(info.Since) {
			info.Since = bulk
		}
	}
	return info
}
