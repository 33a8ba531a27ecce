package rpc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// frames are requests of every operation, with every argument, and some that are
// wrong.
var frames = []string{
	`{"op":"pool","args":{"limit":3,"ids":true},"id":1}`, `{"op":"blocks","args":{"start":-1,"limit":2,"ids":true,"certified":true},"id":"a"}`,
	`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1}]},"id":[{}]}`,
	`{"op":"merge","args":{"pool":[{"type":"reading","author":"bc70b89d-4521-454c-bebc-6c2456074bf2","bpm":60,"t":1.5}]}}`,
	`{"op":"peers"}`, `{"op":"status","args":{}}`, `{"op":"validators","args":{"height":2}}`, `{"op":"fairness","id":null}`, `{"op":"evidence"}`, `{"op":"genesis"}`,
	`{"op":"balance","args":{"account":"bc70b89d-4521-454c-bebc-6c2456074bf2"}}`, `{"op":"block","args":{"height":-1,"certified":true}}`,
	`{"op":"record","args":{"id":"00000000000000000000000000000000000000000000000000000000000000ff"}}`, `{"op":"winners","args":{"height":1,"limit":5}}`,
	`{"op":"draw","args":{"height":1,"limit":1}}`, `{"op":"proof","args":{"id":"00000000000000000000000000000000000000000000000000000000000000ff"}}`,
	`{"op":"handovers","args":{"from":1,"limit":1}}`, `{"op":"subscribe","args":{"topics":["blocks","winners","pool"]}}`, `{"op":"unsubscribe","args":{"topics":["blocks"]}}`,
	`{"op":"subscribe","args":{"topics":["blocks","blocks",7]}}`, `{"op":"block","args":{"height":9223372036854775808}}`, `{"op":"blocks","args":{"limit":1e3}}`, `{"op":"merge"}`,
	`{"op":"merge","args":{"pool":[{"sender":{"a":[` + "\n\t" + `1]},"receiver":1}]}}`, `{"op":"status","args":null,"id":{"b":1e400}}`, `"op"`, `{`, ``, "\xff\xfe", `{"op":"\u0000"}`,
}

// FuzzFrame sends arbitrary frames to a running server, over a real connection:
// each has one answer, well-formed, with its own id, and the connection goes on.
func FuzzFrame(f *testing.F) {
	node := newFake()
	const enough = 100 // blocks
	node.merging = func([]*types.Record) error {
		if node.Head() >= enough {
			return message.Errorf(message.StatusTooFast, "There are blocks enough")
		}
		return nil
	}
	address, stop := start(f, node, rpc.Options{QueriesPerSecond: 1 << 30})
	f.Cleanup(stop)
	for _, frame := range frames {
		f.Add([]byte(frame))
	}
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ws.Close() })
	f.Fuzz(func(t *testing.T, frame []byte) {
		var text []byte
		var err error
		// The largest answer, of all blocks, is some hundred kilobytes.
		fuzzed.Within(t, uint64(2<<20+64*len(frame)), func() { text, err = exchange(ws, frame) })
		if err != nil {
			t.Fatalf("%q ends the connection: %v", frame, err)
		}
		checkAnswer(t, frame, text)
	})
}

// last is a request that comes behind the fuzzed one.
const last = `{"op":"unsubscribe","args":{"topics":["blocks","winners","pool"]},"id":"behind it"}`

// exchange sends a frame and one behind it, and returns the answer to the first.
func exchange(ws *websocket.Conn, frame []byte) (text []byte, err error) {
	err = errors.Join(ws.WriteMessage(websocket.TextMessage, frame), ws.WriteMessage(websocket.TextMessage, []byte(last)), ws.SetReadDeadline(time.Now().Add(patience)))
	for behind := false; err == nil && !behind; {
		var one []byte
		if _, one, err = ws.ReadMessage(); err != nil {
			break
		}
		var a message.Answer
		if err = json.Unmarshal(one, &a); err != nil || a.Topic != "" {
			continue // news of what an earlier frame subscribed to
		}
		if behind = string(a.ID) == `"behind it"` && text != nil; !behind {
			if text != nil {
				return text, errors.New("it has two answers, the second " + string(one))
			}
			text = one
		}
	}
	return text, err
}

func checkAnswer(t *testing.T, frame, text []byte) {
	var a message.Answer
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&a); err != nil || !utf8.Valid(text) {
		t.Fatalf("%q is answered with %q: %v", frame, text, err)
	}
	statuses := []int{
		message.StatusOK, message.StatusAccepted, message.StatusBad, message.StatusForbidden, message.StatusNotFound, message.StatusTooLarge,
		message.StatusTooFast, message.StatusInternal, message.StatusNotReady,
	}
	hasResponse := len(a.Response) > 0 && string(a.Response) != "null"
	if !slices.Contains(statuses, a.Status) || hasResponse != (a.Status == message.StatusOK) {
		t.Errorf("%q is answered with %s", frame, text)
	}
	fuzzed.Sentence(t, errors.New(a.Error))
	var asked struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(frame, &asked) == nil && a.Status < message.StatusBad && !bytes.Equal(asked.ID, a.ID) {
		t.Errorf("%q is answered with another id: %s", frame, text)
	}
}
