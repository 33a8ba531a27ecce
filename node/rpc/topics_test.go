package rpc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
)

func (s socket) event() message.Event {
	s.t.Helper()
	var e message.Event
	text := s.receive()
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Topic == "" {
		s.t.Fatalf("%s is no event: %v", text, err)
	}
	return e
}

// Subscribers get every block once, in order, from the height they were told.
func TestSubscribe(t *testing.T) {
	f := newFake()
	address := serve(t, f, rpc.Options{})
	f.fill(1)
	both, blocks := connect(t, address), connect(t, address)
	if got, want := both.ask(`{"op":"subscribe","args":{"topics":["blocks","winners"]},"id":1}`), `{"status":200,"error":"OK","response":{"topics":["blocks","winners"],"height":1},"id":1}`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	for range 50 {
		f.fill(1)
	}
	var joined struct{ Response message.Topics }
	if err := json.Unmarshal([]byte(blocks.ask(`{"op":"subscribe","args":{"topics":["blocks"]}}`)), &joined); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		f.fill(2)
	}
	for height := uint64(2); height <= 101; height++ {
		b, w := both.event(), both.event()
		if b.Block == nil || b.Block.Index != height || w.Winner == nil || w.Winner.Height != height || w.Winner.Hash != b.Block.Hash {
			t.Fatalf("height %d: got %+v and %+v", height, b, w)
		}
	}
	for height := joined.Response.Height + 1; height <= 101; height++ {
		if e := blocks.event(); e.Block == nil || e.Block.Index != height {
			t.Fatalf("height %d: got %+v", height, e)
		}
	}
}

func TestEventFrames(t *testing.T) {
	f := newFake()
	s := connect(t, serve(t, f, rpc.Options{}))
	s.ask(`{"op":"subscribe","args":{"topics":["blocks"]}}`)
	f.fill(0)
	want := `{"topic":"blocks","block":{"index":1,"timestamp":"2026-01-01T00:00:01.000000000Z","prevHash":"` + network.String() + `","hash":"` +
		f.blocks[0].Header.Hash().String() + `","validator":"` + f.key.Public().String() + `","round":0,"bpm":0,"items":[],"name":"alice","proposer":"` + f.key.Public().String() + `"}}`
	if got := s.receive(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.ask(`{"op":"unsubscribe","args":{"topics":["blocks"]}}`)
	f.fill(0) // nobody is told
	s.ask(`{"op":"subscribe","args":{"topics":["winners"]}}`)
	f.fill(0)
	want = `{"topic":"winners","winner":{"height":3,"round":0,"validator":"alice","key":"` + f.key.Public().String() + `","hash":"` +
		f.blocks[2].Header.Hash().String() + `","time":"2026-01-01T00:00:03.000000000Z","records":0}}`
	if got := s.receive(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The pool's size is told at once, and then whenever it has changed.
func TestPoolEvents(t *testing.T) {
	f := newFake()
	address := serve(t, f, rpc.Options{})
	s, other := connect(t, address), connect(t, address)
	s.ask(`{"op":"subscribe","args":{"topics":["pool"]}}`)
	if got, want := s.receive(), `{"topic":"pool","pool":{"records":0,"bytes":0}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	other.ask(fmt.Sprintf(mint, 1, 1))
	if got, want := s.receive(), `{"topic":"pool","pool":{"records":1,"bytes":51}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPages(t *testing.T) {
	f := newFake()
	address := serve(t, f, rpc.Options{Version: "v1.2.3"})
	for _, test := range []struct {
		method, path string
		status       int
		body         string // begins with
	}{
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/readyz", 200, "ready\n"},
		{"HEAD", "/readyz", 200, ""},
		{"GET", "/version", 200, `{"version":"v1.2.3","go":"go1.`},
		{"GET", "/", 200, "<!DOCTYPE html>"},
		{"GET", "/wallet", 404, `{"status":404,"error":"There is no page \"/wallet\": there are /, /healthz, /readyz, /version, and /ws for websockets","response":null}`},
		{"POST", "/version", 405, `{"status":405,"error":"/version takes GET only; operations go over the websocket at /ws","response":null}`},
		{"GET", "/ws", 400, `{"status":400,"error":"/ws is for websockets (RFC 6455, version 13): connect with a websocket client","response":null}`},
	} {
		if status, body := get(t, test.method, "http://"+address+test.path); status != test.status || !strings.HasPrefix(body, test.body) {
			t.Errorf("%s %s: %d %s", test.method, test.path, status, body)
		}
	}
	_, page := get(t, "GET", "http://"+address+"/")
	for _, want := range []string{"version v1.2.3", "<code>unsubscribe</code>", "/ws"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestNotReady(t *testing.T) {
	f := newFake()
	f.ready = errors.New("the node has 3 blocks, its peers 9")
	address := serve(t, f, rpc.Options{})
	if status, body := get(t, "GET", "http://"+address+"/readyz"); status != 503 || body != "the node has 3 blocks, its peers 9\n" {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := get(t, "GET", "http://"+address+"/healthz"); status != 200 {
		t.Errorf("a node that is not ready serves all the same: %d", status)
	}
}

func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
