package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/message"
)

// handshakeTimeout is how long it may take until a connection stands.
const handshakeTimeout = 10 * time.Second

// dial connects to a node. wrap puts something around what comes from the network.
func dial(ctx context.Context, url string, d websocket.Dialer, wrap func(net.Conn) net.Conn) (*websocket.Conn, error) {
	if !strings.Contains(url, "://") {
		url = "ws://" + url + "/ws"
	}
	begun := &opening{left: maxOpening}
	d.HandshakeTimeout = handshakeTimeout
	d.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		begun.Conn = conn
		return wrap(begun), nil
	}
	ws, response, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, refusedBy(response, err))
	}
	begun.done = true // before anything reads on
	ws.SetReadLimit(message.MaxAnswerBytes)
	return ws, nil
}

// maxOpening is how many bytes a node may answer to the handshake. Without it
// who listens there could send headers for as long as a handshake may take, and
// all of them would be kept.
const maxOpening = 32 << 10

// opening is a connection that fails after so many bytes, until the handshake is
// done. It is for one goroutine until then.
type opening struct {
	net.Conn
	left int
	done bool
}

// Read implements net.Conn.
func (o *opening) Read(b []byte) (int, error) {
	if o.done {
		return o.Conn.Read(b)
	}
	if o.left <= 0 {
		return 0, fmt.Errorf("what listens there answers with more than %d bytes to begin with: that is no node", maxOpening)
	}
	n, err := o.Conn.Read(b[:min(len(b), o.left)])
	o.left -= n
	return n, err
}

// refusedBy finds the node's own words in a failed handshake.
func refusedBy(response *http.Response, err error) error {
	if response == nil || response.Body == nil {
		return told{err}
	}
	body, _ := io.ReadAll(response.Body) // the beginning of it
	var answer message.Answer
	if json.Unmarshal(body, &answer) != nil || answer.Status == 0 {
		return told{err}
	}
	return &Error{Status: answer.Status, Message: reason(&answer)}
}

// told is an error that may have words of whoever listens in it, in plain words.
type told struct{ error }

// Error implements error.
func (t told) Error() string { return plain(t.error.Error()) }

// Unwrap returns the error as it was.
func (t told) Unwrap() error { return t.error }
