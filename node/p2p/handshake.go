package p2p

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/types"
)

// handshake is one connection on which the two ends prove themselves.
type handshake struct {
	ws     *websocket.Conn
	conn   *conn
	timing timing
}

// begin bounds the whole handshake in time.
func (h *handshake) begin() {
	deadline := time.Now().Add(h.timing.handshake)
	h.ws.SetReadDeadline(deadline)
	h.ws.SetWriteDeadline(deadline)
}

// finish lifts the deadline: the link sets its own.
func (h *handshake) finish() {
	h.ws.SetReadDeadline(time.Time{})
	h.conn.silence = h.timing.silence
	h.conn.settle()
}

// refuse tells the other end why there will be no link, and closes.
func (h *handshake) refuse(err error) {
	var r *refusal
	if errors.As(err, &r) {
		h.ws.WriteControl(websocket.CloseMessage, r.frame(), time.Now().Add(closeGrace))
	}
	h.ws.Close()
}

func (h *handshake) write(data []byte) error {
	return h.ws.WriteMessage(websocket.BinaryMessage, data)
}

// read reads one message of at most limit bytes; what names it in errors.
func (h *handshake) read(what string, limit int) ([]byte, error) {
	messageType, r, err := h.ws.NextReader()
	if err != nil {
		return nil, h.late(what, err)
	}
	if messageType != websocket.BinaryMessage {
		return nil, refuse("a text message came: the %s must be a binary message", what)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, h.late(what, err)
	}
	if len(data) > limit {
		return nil, refuseSize("the %s has at most %d bytes, more came", what, limit)
	}
	return data, nil
}

func (h *handshake) late(what string, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse("the %s did not come within %v", what, h.timing.handshake)
	}
	return err
}

func (h *handshake) readHello() (raw []byte, theirs *hello, err error) {
	if raw, err = h.read("hello", maxHelloBytes); err != nil {
		return nil, nil, err
	}
	if theirs, err = decodeHello(raw); err != nil {
		return nil, nil, refuse("the hello cannot be read: %v", err)
	}
	return raw, theirs, nil
}

// readProof reads the proof that key signed message.
func (h *handshake) readProof(key types.PublicKey, message []byte) error {
	var sig types.Signature
	raw, err := h.read("proof", len(sig))
	if err != nil {
		return err
	}
	if copy(sig[:], raw) < len(sig) || !types.VerifySignature(key, message, sig) {
		return refuse("the proof is not a signature of key %s over this handshake", key.Short())
	}
	return nil
}

// proveDialing is the dialer's half: it returns the proved link, in its place.
func (m *Mesh) proveDialing(h *handshake, p Peer, kind LinkKind) (*link, error) {
	if !m.claim(p.Key, kind) {
		return nil, errTaken
	}
	defer m.release(p.Key, kind)
	mine := m.newHello(kind).encode()
	if err := h.write(mine); err != nil {
		return nil, err
	}
	raw, theirs, err := h.readHello()
	if err != nil {
		return nil, err
	}
	if err := m.checkHello(theirs, kind, p.Key); err != nil {
		return nil, err
	}
	if m.current(p.Key, kind) != nil { // attach says why
		return nil, errTaken
	}
	proof := m.config.Key.Sign(proofBytes(dialer, mine, raw))
	if err := h.write(proof[:]); err != nil {
		return nil, err
	}
	if err := h.readProof(p.Key, proofBytes(listener, mine, raw)); err != nil {
		return nil, err
	}
	l := m.newLink(h, kind, false)
	if !m.attach(l, p.Key, theirs.Name, nil) {
		return nil, errTaken
	}
	return l, nil
}

// proveListening is the listener's half: it returns the proved link, in its
// place, and this end's proof, which is to be sent before anything else.
func (m *Mesh) proveListening(h *handshake) (*link, []byte, error) {
	raw, theirs, err := h.readHello()
	if err != nil {
		return nil, nil, err
	}
	if err := m.checkHello(theirs, theirs.Link, types.PublicKey{}); err != nil {
		return nil, nil, err
	}
	seen := m.current(theirs.Key, theirs.Link)
	mine := m.newHello(theirs.Link).encode()
	if err := h.write(mine); err != nil {
		return nil, nil, err
	}
	if err := h.readProof(theirs.Key, proofBytes(dialer, raw, mine)); err != nil {
		return nil, nil, err
	}
	l := m.newLink(h, theirs.Link, true)
	if !m.attach(l, theirs.Key, theirs.Name, seen) {
		return nil, nil, errTaken
	}
	proof := m.config.Key.Sign(proofBytes(listener, raw, mine))
	return l, proof[:], nil
}

func (m *Mesh) newLink(h *handshake, kind LinkKind, inbound bool) *link {
	return &link{
		kind: kind, inbound: inbound, remote: h.conn.RemoteAddr().String(),
		ws: h.ws, timing: h.timing, queue: newQueue(kind), metrics: m.metrics[kind],
		dead: make(chan struct{}), gone: make(chan struct{}),
	}
}
