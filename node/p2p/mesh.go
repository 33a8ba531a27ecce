package p2p

import (
	"net"

	"github.com/posnet/posnet/node/types"
)

// Mesh is a node's links to all its peers. Its methods may be called from many
// goroutines at a time.
type Mesh struct{}

// New makes a mesh and opens its port, so that Addr is known and connections
// wait; Start begins to use them. The error says what is wrong with the config
// or why the port cannot be opened.
func New(c Config) (*Mesh, error) { return &Mesh{}, nil }

// Start begins to accept and to dial. The Handler may be called from now on,
// even before Start returns.
func (m *Mesh) Start() {}

// Addr returns where the mesh listens.
func (m *Mesh) Addr() net.Addr { return nil }

// Send queues a message for a peer and reports whether it did: false if the
// peer's link for that kind is not up, or payload is larger than
// kind.MaxBytes(). It never waits: a peer that reads too slowly loses the link.
// That a message is queued does not mean that it arrives; LinkUp tells when to
// begin anew. The payload must not change afterwards.
func (m *Mesh) Send(to types.PublicKey, kind Kind, payload []byte) bool { return false }

// Broadcast does what Send does, for every peer whose link for that kind is up.
func (m *Mesh) Broadcast(kind Kind, payload []byte) {}

// Peers lists the configured peers in the order of the config, then others
// that are linked, by key.
func (m *Mesh) Peers() []PeerInfo { return nil }

// Close ends all links, telling the peers so, and waits until every goroutine
// of the mesh has ended, calls of the Handler included; after it none is made.
// It may be called more than once.
func (m *Mesh) Close() error { return nil }
