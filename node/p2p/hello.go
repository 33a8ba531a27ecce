package p2p

import (
	"crypto/rand"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/posnet/posnet/node/types"
)

// protocolVersion is what both ends of a link must speak.
const protocolVersion = 1

// role is which end of a connection signs a proof.
type role uint8

const (
	dialer role = iota + 1
	listener
)

// challengeBytes makes it impossible that a challenge comes twice.
const challengeBytes = 32

// maxHelloBytes holds a hello with the longest name, and no more.
const maxHelloBytes = 4 + 32 + 32 + 1 + challengeBytes + 4 + types.MaxNameBytes

// hello is how one end of a connection introduces itself.
type hello struct {
	Version   uint32
	Network   types.Hash
	Key       types.PublicKey
	Link      LinkKind
	Challenge [challengeBytes]byte
	Name      string // for logs only
}

func (m *Mesh) newHello(kind LinkKind) *hello {
	h := &hello{Version: protocolVersion, Network: m.config.Network, Key: m.self, Link: kind, Name: m.config.Name}
	rand.Read(h.Challenge[:]) // never fails: the process ends if there is no randomness
	return h
}

func (h *hello) encode() []byte {
	e := types.NewEncoder("", maxHelloBytes)
	e.Uint32(h.Version)
	e.Fixed(h.Network[:])
	e.Fixed(h.Key[:])
	e.Uint8(uint8(h.Link))
	e.Fixed(h.Challenge[:])
	e.Bytes([]byte(h.Name))
	return e.Data()
}

// decodeHello reads a hello that fills raw. Of another version only the version
// is read, since the rest may look different there.
func decodeHello(raw []byte) (*hello, error) {
	d := types.NewDecoder(raw)
	h := &hello{Version: d.Uint32()}
	if d.Err() == nil && h.Version != protocolVersion {
		return h, nil
	}
	d.Fixed(h.Network[:])
	d.Fixed(h.Key[:])
	h.Link = LinkKind(d.Uint8())
	d.Fixed(h.Challenge[:])
	h.Name = string(d.Bytes(types.MaxNameBytes))
	if err := d.Finish(); err != nil {
		return nil, err
	}
	if !printable(h.Name) {
		return nil, fmt.Errorf("the name must be printable text, not %q", h.Name)
	}
	return h, nil
}

func printable(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return utf8.ValidString(s)
}

const linkDomain = "posnet/link/v1"

// proofBytes is what one end signs: its role and both hellos as they came.
func proofBytes(by role, fromDialer, fromListener []byte) []byte {
	e := types.NewEncoder(linkDomain, 1+4+len(fromDialer)+4+len(fromListener))
	e.Uint8(uint8(by))
	e.Bytes(fromDialer)
	e.Bytes(fromListener)
	return e.Data()
}

// checkHello says why a peer is refused, if it is: kind is the link wanted, and
// expected the key it must have, or the zero key if any allowed one will do.
func (m *Mesh) checkHello(h *hello, kind LinkKind, expected types.PublicKey) error {
	switch {
	case h.Version != protocolVersion:
		return refuse("protocol version %d here, you speak %d", protocolVersion, h.Version)
	case h.Network != m.config.Network:
		return refuse("network %s here, you are of %s", m.config.Network.Short(), h.Network.Short())
	case h.Key == m.self:
		return refuse("key %s is my own: a validator's key may be in use in one place only", h.Key.Short())
	case !expected.IsZero() && h.Key != expected:
		return refuse("key %s is expected at this address, yours is %s", expected.Short(), h.Key.Short())
	case !m.allowed(h.Key):
		return refuse("key %s is neither a validator of this network nor a peer in the config here", h.Key.Short())
	case h.Link != kind || h.Link != VoteLink && h.Link != BulkLink:
		return refuse("link kind %d is not what is wanted: the vote link is 1, the bulk link 2", h.Link)
	}
	return nil
}
