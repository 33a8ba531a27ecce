package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// mumbled is a frame that would clear a screen, turn its text around and ring.
const mumbled = "{\"status\":200,\"response\":\"\x1b[2J\u009b2J\a ü \u202e\n\x80\"}"

// mumbler is a node that says such things, until the script ends, and nothing to
// "silence"; after "news" it tells some, and goes with such words. The frame is kept
// in the file raw, and the port in a variable: "mumbler VARIABLE".
func mumbler(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mumbler VARIABLE")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		link, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer link.Close()
		for {
			_, asked, err := link.ReadMessage()
			if err != nil {
				return
			}
			switch string(asked) {
			case "silence":
			case "news":
				for range 3 {
					_ = link.WriteMessage(websocket.TextMessage, asked) // the script notices
				}
				_ = link.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "that is all\n\x1b[2J"))
				return
			default:
				_ = link.WriteMessage(websocket.TextMessage, []byte(mumbled))
			}
		}
	}))
	ts.Defer(server.Close)
	ts.Check(os.WriteFile(ts.MkAbs("raw"), []byte(mumbled+"\n"), 0o600))
	ts.Setenv(args[0], strings.TrimPrefix(server.URL, "http://127.0.0.1:"))
}
