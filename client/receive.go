package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/message"
)

// acceptedText is how nodes answer a merge without an id. To know it saves
// reading thousands of answers a second as JSON.
const acceptedText = `{"status":202,"error":"Accepted"}`

var acceptedAnswer = &message.Answer{Status: message.StatusAccepted, Error: "Accepted"}

// maxKept is how large a buffer may be to be used for the next answer too.
const maxKept = 256 << 10

// read takes what the node sends until the connection ends.
func (c *Client) read() {
	defer c.wg.Done()
	var text bytes.Buffer
	for {
		_ = c.touch() // a failure shows when reading
		_, r, err := c.ws.NextReader()
		if err == nil {
			text.Reset()
			_, err = text.ReadFrom(r)
		}
		if err == nil {
			err = c.receive(text.Bytes())
		}
		if text.Cap() > maxKept {
			text = bytes.Buffer{}
		}
		if err != nil {
			c.fail(broken(err))
			return
		}
	}
}

// broken says why the connection ended in the node's words, if it gave any.
func broken(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Text != "" {
		return fmt.Errorf("the node closed the connection: %s", plain(closed.Text))
	}
	return fmt.Errorf("the connection to the node broke: %w", err)
}

// plain is a node's words as a terminal can show them: one line, not too long. A
// node need not be trusted, and could draw on the screen of whoever asks it.
func plain(text string) string {
	const most = 900
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// reason is why a node refuses, as it says, or that it says nothing.
func reason(a *message.Answer) string {
	if text := plain(a.Error); strings.TrimSpace(text) != "" {
		return text
	}
	return fmt.Sprintf("the node refuses with status %d and does not say why", a.Status)
}

func (c *Client) receive(text []byte) error {
	if string(text) == acceptedText {
		return c.deliver(0, acceptedAnswer)
	}
	var a message.Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("the node sent what is no answer: %s", plain(err.Error()))
	}
	if a.Topic != "" {
		var e message.Event
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("the node sent what is no event: %s", plain(err.Error()))
		}
		return c.publish(e)
	}
	var id uint64
	if a.ID != nil {
		var err error
		if id, err = strconv.ParseUint(string(a.ID), 10, 64); err != nil {
			return fmt.Errorf("the node answered a request %.64q, which nobody made", a.ID)
		}
	}
	return c.deliver(id, &a)
}

// deliver gives an answer to the call it belongs to.
func (c *Client) deliver(id uint64, a *message.Answer) error {
	c.mu.Lock()
	var waiting *call
	if id != 0 {
		waiting = c.byID[id]
		delete(c.byID, id)
	} else if len(c.ordered) > 0 {
		waiting = c.ordered[0]
		c.ordered = c.ordered[1:]
	}
	c.mu.Unlock()
	if waiting == nil {
		return fmt.Errorf("the node sent an answer that nobody waits for: status %d, %s", a.Status, plain(a.Error))
	}
	if a.Status >= message.StatusBad {
		waiting.answer(nil, &Error{Status: a.Status, Message: reason(a)})
	} else {
		waiting.answer(a, nil)
	}
	<-c.slot
	return nil
}

// publish hands news to whoever subscribed.
func (c *Client) publish(e message.Event) error {
	c.sawNews(&e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.news == nil || c.err != nil {
		return nil // on its way when the subscription ended
	}
	select {
	case c.news <- e:
		return nil
	default:
		return fmt.Errorf("%d events wait to be read, as many as may: read them faster, or set Options.News higher", cap(c.news))
	}
}
