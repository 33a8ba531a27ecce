package p2p

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/posnet/posnet/node/types"
)

// dialing is the goroutines that keep the links to one configured peer up.
type dialing struct {
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// SetPeers takes the place of Config.Peers. New peers are dialed and may dial
// in; those gone are dialed no longer, and lose their links within a second
// unless Config.Allowed says otherwise; one with another address is dialed
// there, once its present links are lost. The error says which peer is wrong:
// then nothing has changed. It returns once nobody dials an old address.
func (m *Mesh) SetPeers(peers []Peer) error {
	if err := m.checkPeers(peers); err != nil {
		return fmt.Errorf("p2p: %w", err)
	}
	m.setting.Lock()
	defer m.setting.Unlock()
	// A place is claimed by one dialer at a time, so the old ones end before new
	// ones begin.
	old := m.configure(peers)
	for _, p := range old {
		p.dialing.stop()
	}
	for _, p := range old {
		p.dialing.ended.Wait()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range old {
		p.dialing = nil
		m.forget(p)
	}
	m.startDialing()
	return nil
}

// checkPeers says what is wrong with a list of peers, if anything is.
func (m *Mesh) checkPeers(peers []Peer) error {
	seen := map[types.PublicKey]bool{}
	for i, p := range peers {
		if err := m.checkPeer(p); err != nil {
			return fmt.Errorf("peers[%d] (%s): %w", i, p.Name, err)
		}
		if seen[p.Key] {
			return fmt.Errorf("peers[%d] (%s): its key is there twice", i, p.Name)
		}
		seen[p.Key] = true
	}
	return nil
}

func (m *Mesh) checkPeer(p Peer) error {
	_, _, err := net.SplitHostPort(p.Address)
	switch {
	case p.Key == m.self:
		return fmt.Errorf("its key is this node's own: peers are the other validators")
	case p.Key.IsZero():
		return fmt.Errorf("its key is missing")
	case err != nil:
		return fmt.Errorf("address %q: %w; it must be host:port", p.Address, err)
	}
	return nil
}

// configure makes the table of peers that of the list, and returns the peers
// that are dialed in another way than the list says.
func (m *Mesh) configure(peers []Peer) (old []*peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := map[types.PublicKey]Peer{}
	m.listed = make([]types.PublicKey, len(peers))
	for i, p := range peers {
		wanted[p.Key], m.listed[i] = p, p.Key
		if m.peers[p.Key] == nil {
			m.peers[p.Key] = &peer{Peer: p}
		}
	}
	for key, p := range m.peers {
		w, listed := wanted[key]
		if p.dialing != nil && w != p.Peer {
			old = append(old, p)
		}
		if listed && !p.configured && m.started || !listed && p.configured {
			m.log.Info("the list of peers has changed", "peer", p.Name, "key", key.Short(), "listed", listed)
		}
		if p.configured = listed; listed {
			p.Name, p.Address = w.Name, w.Address
		}
	}
	return old
}

// startDialing has every configured peer dialed, once the mesh has started. The
// caller holds m.mu.
func (m *Mesh) startDialing() {
	for _, p := range m.peers {
		if !m.started || m.closed || !p.configured || p.dialing != nil {
			continue
		}
		ctx, stop := context.WithCancel(m.ctx)
		d, to := &dialing{stop: stop}, p.Peer
		for _, kind := range linkKinds {
			d.ended.Add(1)
			m.wg.Go(func() {
				defer d.ended.Done()
				m.keepDialing(ctx, to, kind)
			})
		}
		p.dialing = d
	}
}

// allowed reports whether a key may link with this node.
func (m *Mesh) allowed(key types.PublicKey) bool {
	m.mu.RLock()
	p := m.peers[key]
	configured := p != nil && p.configured
	m.mu.RUnlock()
	return configured || m.config.Allowed(key)
}

func (m *Mesh) nameOf(p *peer) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return p.Name
}
