package p2p

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/types"
)

// Peer is a validator that the node dials.
type Peer struct {
	Name    string
	Key     types.PublicKey // whoever answers at Address must hold it
	Address string          // host:port
}

// Config is what a Mesh is made of.
type Config struct {
	Key     types.PrivateKey // the validator's signing key
	Network types.Hash       // the network's id
	Name    string           // the validator's name, at most types.MaxNameBytes bytes
	Listen  string           // host:port; port 0 takes any free one
	Peers   []Peer           // who is dialed and may dial in, until SetPeers says otherwise
	Handler Handler
	Logger  *slog.Logger // nil: nothing is logged

	// Allowed tells who else may link: validators that are not among Peers. It is
	// asked at each connection and about once a second for each link, from many
	// goroutines at a time, and must not block. nil: nobody else.
	Allowed func(types.PublicKey) bool
	// Listener takes the place of Listen, for who must know a port before the
	// addresses of all nodes are known. The mesh closes it.
	Listener net.Listener
	// Dial takes the place of a plain TCP dial.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Metrics is where the mesh's counters are registered; nil: nowhere.
	Metrics prometheus.Registerer
}

// Handler is told what comes in. LinkUp and LinkDown of one peer never run at
// the same time and come in order; so do the Messages of one peer on one link.
// Anything else may run at the same time. A Handler may call Send, Broadcast
// and Peers, never Close. One that blocks holds up the link it was called by,
// and is felt by the peer as a slow reader.
type Handler interface {
	// Message brings one message, in the order sent on its link. The payload is
	// the callee's to keep; nobody else holds it. A message may come shortly
	// before its peer's LinkUp, or shortly after its LinkDown.
	Message(from types.PublicKey, kind Kind, payload []byte)
	// LinkUp tells that both links to a peer are up, at least one of them newly:
	// what was under way on that one before is lost. It is told again, with no
	// LinkDown before it, when only the bulk link was lost and came back.
	LinkUp(peer types.PublicKey)
	// LinkDown tells that the vote link, which LinkUp told of, is lost. The loss
	// of the bulk link alone does not matter to agreement and is not told.
	LinkDown(peer types.PublicKey)
}

// PeerInfo is what a mesh knows of one peer: one that is configured, or that is
// linked now.
type PeerInfo struct {
	Name    string // as configured, else as the peer calls itself
	Key     types.PublicKey
	Address string    // as configured, now or before, else where it dialed in from
	Vote    bool      // the vote link is up
	Bulk    bool      // the bulk link is up
	Since   time.Time // when the younger of the two links came up; zero unless both are up
	Problem string    // why a link is not up, a sentence; empty if both are, or nothing is known
}

// Up reports whether both links to the peer are up.
func (p PeerInfo) Up() bool { return p.Vote && p.Bulk }
