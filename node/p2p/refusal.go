package p2p

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// refusal is an error that the other end is told of, in a close frame.
type refusal struct {
	code     int // of RFC 6455, 7.4
	sentence string
}

func (r *refusal) Error() string { return r.sentence }

func refuse(format string, args ...any) error {
	return &refusal{websocket.ClosePolicyViolation, fmt.Sprintf(format, args...)}
}

func refuseSize(format string, args ...any) error {
	return &refusal{websocket.CloseMessageTooBig, fmt.Sprintf(format, args...)}
}

// frame returns the payload of the close frame, cut to what it may hold.
func (r *refusal) frame() []byte {
	return websocket.FormatCloseMessage(r.code, clip(r.sentence, maxReasonBytes))
}

// clip returns the longest part of s from its beginning that is valid UTF-8 of
// at most n bytes.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// closeRoutine is a close code for private use (RFC 6455, 7.4.2): two nodes
// sort out which of their connections stays.
const closeRoutine = 4000

var (
	errReplaced = &refusal{closeRoutine, "a newer link takes the place of this one"}
	errTaken    = &refusal{closeRoutine, "a link between us is up already"}
	errStopping = &refusal{websocket.CloseGoingAway, "this node stops"}
)

// refusedError is what the other end said in its close frame.
type refusedError struct {
	code     int
	sentence string
}

func (e *refusedError) Error() string { return "the peer says: " + e.sentence }

// isRoutine reports whether an end of a link or handshake, from either side, is
// part of how two nodes meet and part, and nothing to complain of.
func isRoutine(err error) bool {
	var r *refusal
	var e *refusedError
	code := 0
	if errors.As(err, &r) {
		code = r.code
	} else if errors.As(err, &e) {
		code = e.code
	}
	return code == closeRoutine || code == websocket.CloseGoingAway
}

// plain turns an error of a connection into one for people, without the ports
// that change with each attempt, so that the same trouble reads the same.
func plain(err error) error {
	var closed *websocket.CloseError
	var op *net.OpError
	switch {
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure && closed.Text != "":
		return &refusedError{closed.Code, clip(strings.Map(visible, closed.Text), maxReasonBytes)}
	case errors.As(err, &closed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the peer closed the connection")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the peer took too long")
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

// visible keeps what a peer says from playing tricks on a terminal.
func visible(c rune) rune {
	if c < ' ' || c == 0x7f {
		return ' '
	}
	return c
}
