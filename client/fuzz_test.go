package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzAnswer has a server answer a request with arbitrary frames: the call ends,
// with what was answered or with a sentence that a terminal can show.
func FuzzAnswer(f *testing.F) {
	var answer atomic.Pointer[[]byte]
	var upgrader websocket.Upgrader
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		if _, _, err := ws.ReadMessage(); err == nil {
			err = ws.WriteMessage(websocket.TextMessage, *answer.Load())
			goodbye := websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "no\x1b[2J more")
			_ = errors.Join(err, ws.WriteMessage(websocket.CloseMessage, goodbye))
		}
	}))
	f.Cleanup(server.Close)
	for _, text := range []string{
		`{"status":200,"error":"OK","response":{"name":"alice","height":3},"id":1}`, `{"status":400,"error":"\u001b[2Jno\n","response":null,"id":1}`,
		`nonsense`, `[]`, `{"status":200,"error":"OK","response":{},"id":99}`, `{"status":200,"error":"OK","response":{"height":-1},"id":1}`,
		`{"status":202,"error":"Accepted"}`, `{"topic":"blocks","block":7}`, `{"status":200,"response":null,"id":1}`, `{"status":7,"id":1}`, "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		answer.Store(&text)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var err error
		fuzzed.Within(t, dialBytes+uint64(64*len(text)), func() {
			c, wrong := client.Dial(ctx, strings.TrimPrefix(server.URL, "http://"), client.Options{})
			if wrong != nil {
				t.Fatal(wrong)
			}
			defer c.Close()
			_, err = c.Status(ctx)
		})
		fuzzed.Sentence(t, err)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q is waited for", text)
		}
		var a message.Answer
		if sound := json.Unmarshal(text, &a) == nil && string(a.ID) == "1" && a.Topic == ""; err == nil && !sound {
			t.Errorf("%q passes for an answer", text)
		}
	})
}
