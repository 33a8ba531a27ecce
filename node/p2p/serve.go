package p2p

import (
	"errors"

	"github.com/posnet/posnet/node/types"
)

// serve runs a proved link to its end. proof, if there is one, goes out before
// anything else.
func (m *Mesh) serve(h *handshake, l *link, proof []byte) {
	if l.before != nil {
		l.before.end(errReplaced)
	}
	var err error
	if proof != nil {
		err = h.write(proof)
	}
	if err == nil {
		h.finish()
		m.wg.Go(func() { l.write(m.allowed) })
		m.tell(l.peer)
		l.awaitBefore()
		err = l.read(func(kind Kind, payload []byte) { m.config.Handler.Message(l.peer.Key, kind, payload) })
	}
	l.end(err)
	l.awaitBefore()
	m.detach(l)
	m.reportEnd(l)
	m.tell(l.peer)
}

// awaitBefore waits until no Message of the replaced link is told any more, so
// that those of this one come after them.
func (l *link) awaitBefore() {
	if l.before != nil {
		<-l.before.gone
		l.before = nil
	}
}

// reportEnd logs how a link ended, loudly if one end had a complaint.
func (m *Mesh) reportEnd(l *link) {
	reason := plain(l.reason)
	args := []any{"peer", m.nameOf(l.peer), "key", l.peer.Key.Short(), "link", l.kind, "why", reason}
	if complaint(reason) && m.repeats.isNew(l.remote, reason.Error()) {
		m.log.Warn("link ended", args...)
		return
	}
	m.log.Debug("link ended", args...)
}

// complaint reports whether an error says that one end did wrong, as opposed to
// a connection that broke.
func complaint(err error) bool {
	var ours *refusal
	var theirs *refusedError
	isOne := errors.Is(err, errSlow) || errors.As(err, &ours) || errors.As(err, &theirs)
	return isOne && !isRoutine(err)
}

// Send queues a message for a peer and reports whether it did: false if the
// peer's link for that kind is not up, or payload is larger than
// kind.MaxBytes(). It never waits: a peer that reads too slowly loses the link.
// That a message is queued does not mean that it arrives; LinkUp tells when to
// begin anew. The payload must not change afterwards.
func (m *Mesh) Send(to types.PublicKey, kind Kind, payload []byte) bool {
	if !m.sendable(kind, payload) {
		return false
	}
	l := m.current(to, kind.Link())
	return l != nil && l.send(message{kind, payload})
}

// Broadcast does what Send does, for every peer whose link for that kind is up.
func (m *Mesh) Broadcast(kind Kind, payload []byte) {
	if !m.sendable(kind, payload) {
		return
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, p := range m.peers {
		if l := p.links[kind.Link()]; l != nil {
			l.send(message{kind, payload})
		}
	}
}

// sendable keeps a message home that would cost the link, since peers would
// refuse it. That it is asked for is an error of this program.
func (m *Mesh) sendable(kind Kind, payload []byte) bool {
	if kind.known() && len(payload) <= kind.MaxBytes() {
		return true
	}
	m.log.Error("a message is not sent: it is too large or of no known kind", "kind", kind, "bytes", len(payload), "allowed", kind.MaxBytes())
	return false
}
