package p2p

import (
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/types"
)

// rawEnd is one end of a connection that a test speaks on by hand.
type rawEnd struct {
	*websocket.Conn
	t testing.TB
}

func dialRaw(t testing.TB, address net.Addr) *rawEnd {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+address.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &rawEnd{ws, t}
}

func (r *rawEnd) send(data []byte) {
	r.t.Helper()
	if err := r.WriteMessage(websocket.BinaryMessage, data); err != nil {
		r.t.Fatal(err)
	}
}

// receive returns the next message, or nil and what the close frame says.
func (r *rawEnd) receive() ([]byte, *websocket.CloseError) {
	r.t.Helper()
	r.SetReadDeadline(time.Now().Add(patience))
	_, data, err := r.ReadMessage()
	var closed *websocket.CloseError
	if err != nil && !errors.As(err, &closed) {
		r.t.Fatalf("the connection broke without a word: %v", err)
	}
	return data, closed
}

// rawHello returns the hello of the test key with a number, for the vote link.
func rawHello(n int) *hello {
	h := &hello{Version: protocolVersion, Network: testNetwork, Key: testKey(n).Public(), Link: VoteLink, Name: "raw"}
	rand.Read(h.Challenge[:])
	return h
}

// prove takes the dialer's half of a handshake to its end as key number n.
func (r *rawEnd) prove(n int, kind LinkKind) {
	r.t.Helper()
	h := rawHello(n)
	h.Link = kind
	mine := h.encode()
	r.send(mine)
	theirs, closed := r.receive()
	if closed != nil {
		r.t.Fatalf("refused: %v", closed)
	}
	proof := testKey(n).Sign(proofBytes(dialer, mine, theirs))
	r.send(proof[:])
	raw, closed := r.receive()
	if closed != nil {
		r.t.Fatalf("refused: %v", closed)
	}
	answer, err := decodeHello(theirs)
	if err != nil {
		r.t.Fatal(err)
	}
	if !types.VerifySignature(answer.Key, proofBytes(listener, mine, theirs), types.Signature(raw)) {
		r.t.Fatal("the listener's proof is not its signature")
	}
}

// rawListener is a port on which a test speaks by hand with whoever dials.
type rawListener struct {
	*httptest.Server
	ends chan *rawEnd
}

func newRawListener(t testing.TB) *rawListener {
	l := &rawListener{ends: make(chan *rawEnd, 100)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var upgrader websocket.Upgrader
		if ws, err := upgrader.Upgrade(w, r, nil); err == nil {
			l.ends <- &rawEnd{ws, t}
		}
	}))
	t.Cleanup(func() {
		l.Close()
		for {
			select {
			case end := <-l.ends:
				end.Close()
			default:
				return
			}
		}
	})
	return l
}

// next returns the next connection dialed for a kind of link, or for any if
// kind is 0, and the hello that came on it.
func (l *rawListener) next(t testing.TB, kind LinkKind) (*rawEnd, []byte) {
	t.Helper()
	for {
		select {
		case end := <-l.ends:
			t.Cleanup(func() { end.Close() })
			raw, closed := end.receive()
			if closed != nil {
				t.Fatal(closed)
			}
			if h, err := decodeHello(raw); err != nil {
				t.Fatal(err)
			} else if kind == 0 || h.Link == kind {
				return end, raw
			}
		case <-time.After(patience):
			t.Fatal("nobody dials")
		}
	}
}

// answer takes the listener's half of a handshake to its end as key number n.
func (r *rawEnd) answer(n int, theirs []byte) {
	r.t.Helper()
	from, err := decodeHello(theirs)
	if err != nil {
		r.t.Fatal(err)
	}
	h := rawHello(n)
	h.Link = from.Link
	mine := h.encode()
	r.send(mine)
	proof, closed := r.receive()
	if closed != nil {
		r.t.Fatalf("refused: %v", closed)
	}
	if !types.VerifySignature(from.Key, proofBytes(dialer, theirs, mine), types.Signature(proof)) {
		r.t.Fatal("the dialer's proof is not its signature")
	}
	own := testKey(n).Sign(proofBytes(listener, theirs, mine))
	r.send(own[:])
}
