package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

// ErrNoAnswer means that a node took longer than it may, and ErrSilent that it does not
// even answer pings any more.
var (
	ErrNoAnswer = errors.New("the node does not answer in time")
	ErrSilent   = fmt.Errorf("nothing has been heard of the node for %v", silenceTimeout)
)

// Frames is a connection to a node for who writes requests by hand and wants the
// answers as they come. It is for one goroutine, but for Close.
type Frames struct{ ws *websocket.Conn }

// DialFrames connects to a node. url is as for Dial.
func DialFrames(ctx context.Context, url string) (*Frames, error) {
	ws, err := dial(ctx, url, websocket.Dialer{}, func(conn net.Conn) net.Conn { return conn })
	if err != nil {
		return nil, err
	}
	return &Frames{ws}, nil
}

// Close ends the connection, and whatever waits for it.
func (f *Frames) Close() error { return f.ws.Close() }

// Send sends one frame. The error is ErrNoAnswer if the node does not take it within
// that time.
func (f *Frames) Send(frame []byte, within time.Duration) error {
	_ = f.ws.SetWriteDeadline(time.Now().Add(within)) // a failure shows when writing
	return late(f.ws.WriteMessage(websocket.TextMessage, frame))
}

// Next returns the next frame, whole. The error is ErrNoAnswer if it is not here within
// that time.
func (f *Frames) Next(within time.Duration) ([]byte, error) {
	_ = f.ws.SetReadDeadline(time.Now().Add(within)) // a failure shows when reading
	_, frame, err := f.ws.ReadMessage()
	return frame, late(err)
}

// News returns the next frame, however long it takes, as long as the node shows by its
// answers to pings that it lives. The error is ErrSilent if it does not.
func (f *Frames) News() ([]byte, error) {
	f.ws.SetPongHandler(func(string) error { return f.ws.SetReadDeadline(time.Now().Add(silenceTimeout)) })
	done := make(chan struct{})
	defer close(done)
	go func() {
		ping := time.NewTicker(pingInterval)
		defer ping.Stop()
		for {
			select {
			case <-done:
				return
			case <-ping.C:
				_ = f.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)) // a failure shows when reading
			}
		}
	}()
	frame, err := f.Next(silenceTimeout)
	if errors.Is(err, ErrNoAnswer) {
		err = ErrSilent
	}
	return frame, err
}

// late is an error in words that nobody else chose.
func late(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrNoAnswer
	}
	return told{err}
}
